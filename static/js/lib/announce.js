// What happens in the page, for those who do not see it.

const region = document.getElementById("announcement");

let clearing;

export function announce(words) {
  clearTimeout(clearing);
  region.textContent = region.textContent === words ? `${words}\u00a0` : words; // the same words again are news
  clearing = setTimeout(() => { region.textContent = ""; }, 5000); // nobody comes upon old news
}
