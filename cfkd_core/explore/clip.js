((root) => {
  const { frames, labels, fps } = JSON.parse(root.querySelector("[type='application/json']").textContent);
  const [image, button, input, output] = ["img", "button", "input", "output"].map((tag) => root.querySelector(tag));
  let timer = null;
  const show = () => {
    const index = Number(input.value);
    image.src = frames[index];
    output.textContent = labels[index];
    input.setAttribute("aria-valuetext", labels[index]);
  };
  const stop = () => {
    clearInterval(timer);
    timer = null;
    button.textContent = "Play";
  };
  const step = () => {
    if (Number(input.value) === frames.length - 1) return stop();
    input.value = Number(input.value) + 1;
    show();
  };
  button.addEventListener("click", () => {
    if (timer) return stop();
    if (Number(input.value) === frames.length - 1) input.value = 0;
    show();
    timer = setInterval(step, 1000 / fps);
    button.textContent = "Pause";
  });
  input.addEventListener("input", () => { stop(); show(); });
})(document.currentScript.parentElement);
