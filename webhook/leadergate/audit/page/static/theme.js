// Light or dark: the system's choice until somebody chooses. Not a module, so that the page never flashes.
(() => {
  const kept = localStorage.getItem("theme");
  if (kept === "light" || kept === "dark") document.documentElement.dataset.theme = kept;
})();
