((root) => {
  const { sliders, frames } = JSON.parse(root.querySelector("[type='application/json']").textContent);
  const picture = root.querySelector(".picture");
  const inputs = [...root.querySelectorAll("input")];
  const show = () => {
    const words = [];
    const frame = inputs.reduce((index, input, i) => {
      const { label, values } = sliders[i];
      const value = values[input.value];
      input.setAttribute("aria-valuetext", value);
      input.nextElementSibling.textContent = value;
      words.push(`${label} ${value}`);
      return index * values.length + Number(input.value);
    }, 0);
    picture.innerHTML = frames[frame];
    picture.setAttribute("aria-label", words.join(", "));
  };
  inputs.forEach((input) => input.addEventListener("input", show));
})(document.currentScript.parentElement);
