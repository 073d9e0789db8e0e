// The page's line icons, drawn for it on a 24 × 24 grid. They decorate: each stands beside words or a label.

const PATHS = {
  microphone: "M12 3a3 3 0 0 1 3 3v5a3 3 0 0 1-6 0V6a3 3 0 0 1 3-3ZM6 11a6 6 0 0 0 12 0M12 17v4",
  "microphone-off": "M15 9V6a3 3 0 0 0-5.7-1.3M9 9v2a3 3 0 0 0 4.6 2.5M6 11a6 6 0 0 0 9.4 4.9M18 11c0 .9-.2 1.8-.6 2.6M12 17v4M4 4l16 16",
  speaker: "M4 10v4h3l5 4V6l-5 4H4ZM16 9a4 4 0 0 1 0 6M18.5 6.5a8 8 0 0 1 0 11",
  wave: "M4 10v4M8 7v10M12 4v16M16 8v8M20 10.5v3",
  dots: "M6 12h.01M12 12h.01M18 12h.01",
  pause: "M8 5v14M16 5v14",
  play: "M7 4.5v15l12-7.5-12-7.5Z",
  check: "m5 12.5 4.5 4.5L19 7.5",
  "check-circle": "M12 3a9 9 0 1 1 0 18 9 9 0 0 1 0-18ZM8 12.3l2.8 2.7L16 9.5",
  half: "M12 3a9 9 0 1 1 0 18 9 9 0 0 1 0-18ZM8 12h8",
  circle: "M12 3a9 9 0 1 1 0 18 9 9 0 0 1 0-18Z",
  cross: "m6 6 12 12M18 6 6 18",
  "cross-circle": "M12 3a9 9 0 1 1 0 18 9 9 0 0 1 0-18ZM9 9l6 6M15 9l-6 6",
  repeat: "M4 12a8 8 0 0 1 13.7-5.6L20 8.5M20 4v4.5h-4.5M20 12a8 8 0 0 1-13.7 5.6L4 15.5M4 20v-4.5h4.5",
  clock: "M12 3a9 9 0 1 1 0 18 9 9 0 0 1 0-18ZM12 7.5V12l3 2",
  skip: "m6 5 8 7-8 7V5ZM18 5v14",
  stop: "M7 7h10v10H7z",
  info: "M12 3a9 9 0 1 1 0 18 9 9 0 0 1 0-18ZM12 11v5M12 8h.01",
  warning: "M12 4 2.8 19.5h18.4L12 4ZM12 10v4M12 17h.01",
  keyboard: "M3 7h18v10H3zM7 11h.01M11 11h.01M15 11h.01M8 14h8",
  send: "M4 12 20 4l-5 16-3.5-6.5L4 12Z",
  chevron: "m6 9 6 6 6-6",
  arrow: "M5 12h14M13 6l6 6-6 6",
  print: "M7 8V4h10v4M7 17H4V9h16v8h-3M7 14h10v6H7z",
  download: "M12 4v11M7 10.5l5 5 5-5M5 20h14",
  person: "M12 4a4 4 0 1 1 0 8 4 4 0 0 1 0-8ZM4.5 20a7.5 7.5 0 0 1 15 0",
  link: "M5 13a9 9 0 0 1 14 0M8 16a5 5 0 0 1 8 0M12 19.5h.01",
} as const;

export type IconName = keyof typeof PATHS;

const SVG = "http://www.w3.org/2000/svg";

export function icon(name: IconName): SVGSVGElement {
  const svg = document.createElementNS(SVG, "svg");
  const attributes: Record<string, string> = {
    viewBox: "0 0 24 24",
    fill: "none",
    stroke: "currentColor",
    "stroke-width": name === "dots" ? "3" : "1.8",
    "stroke-linecap": "round",
    "stroke-linejoin": "round",
    "aria-hidden": "true",
  };
  for (const [key, value] of Object.entries(attributes)) svg.setAttribute(key, value);
  const path = document.createElementNS(SVG, "path");
  path.setAttribute("d", PATHS[name]);
  svg.appendChild(path);
  return svg;
}

/** The mark of the brand: a voice. */
export function mark(): SVGSVGElement {
  const svg = document.createElementNS(SVG, "svg");
  svg.setAttribute("viewBox", "0 0 32 32");
  svg.setAttribute("aria-hidden", "true");
  const tile = document.createElementNS(SVG, "rect");
  tile.setAttribute("class", "mark");
  for (const [key, value] of [["width", "32"], ["height", "32"], ["rx", "9"]] as const) tile.setAttribute(key, value);
  const wave = document.createElementNS(SVG, "path");
  wave.setAttribute("class", "wave");
  wave.setAttribute("d", "M8 14v4M12 10.5v11M16 7v18M20 11.5v9M24 14v4");
  wave.setAttribute("stroke-width", "2.6");
  wave.setAttribute("stroke-linecap", "round");
  svg.append(tile, wave);
  return svg;
}
