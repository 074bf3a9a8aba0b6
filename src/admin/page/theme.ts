/** Light, dark, or as the system has it. The choice is remembered. */
import { byId, setText } from "./dom.ts";

const KEY = "whereabouts-theme";
const THEMES = ["auto", "light", "dark"] as const;
type Theme = (typeof THEMES)[number];

function remembered(): Theme {
  try {
    return THEMES.find((theme) => theme === localStorage.getItem(KEY)) ?? "auto";
  } catch {
    // Storage may be switched off. The choice is then forgotten with the page.
    return "auto";
  }
}

/** Applies the theme and wires the button. @param changed called whenever colours have changed */
export function startTheme(changed: () => void): void {
  const button = byId("theme");
  let theme = remembered();
  const apply = () => {
    document.documentElement.dataset.theme = theme;
    setText(byId("theme-name"), theme);
    changed();
  };
  button.addEventListener("click", () => {
    theme = THEMES[(THEMES.indexOf(theme) + 1) % THEMES.length]!;
    try {
      localStorage.setItem(KEY, theme);
    } catch {
      // See above.
    }
    apply();
  });
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", changed);
  apply();
}
