// The page follows Airflow's light or dark, which Airflow keeps as a class of the document around this one.
(() => {
  "use strict";
  const own = document.documentElement;
  let around = null;
  try {
    around = window.parent === window ? null : window.parent.document.documentElement;
  } catch {
    around = null; // framed by another host, which the page's policy does not allow anyway
  }
  const follow = () => {
    const chosen = around && ["dark", "light"].find((name) => around.classList.contains(name));
    if (chosen) own.dataset.theme = chosen;
  };
  follow();
  if (around) new MutationObserver(follow).observe(around, { attributeFilter: ["class"] });
})();
