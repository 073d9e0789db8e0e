// Builds the page into one folder of static files.
// It must never fetch anything: what is not in node_modules is not in the page.

import { build } from "esbuild";
import { cp, mkdir, readFile, rm, writeFile } from "node:fs/promises";
import path from "node:path";
import { fileURLToPath } from "node:url";

const here = path.dirname(fileURLToPath(import.meta.url));
const out = path.resolve(process.env.VIVAVOCE_WEB_OUT || path.join(here, "dist"));

// Only what this script writes is removed: the folder is given from outside.
await rm(path.join(out, "assets"), { recursive: true, force: true });
await mkdir(path.join(out, "assets"), { recursive: true });

const { metafile } = await build({
  absWorkingDir: here,
  // The code editor is its own file, fetched when the first code question comes.
  entryPoints: { app: "src/main.ts", editor: "src/editor.ts", style: "src/styles/app.css" },
  outdir: path.join(out, "assets"),
  entryNames: "[name]",
  chunkNames: "shared-[hash]",
  bundle: true,
  splitting: true,
  format: "esm",
  target: ["chrome100", "firefox102", "safari15.4"],
  minify: true,
  legalComments: "none",
  metafile: true,
  logLevel: "warning",
});

// The licences of the bundled libraries stay beside the code that they cover.
const packages = new Set(
  Object.keys(metafile.inputs).flatMap((file) => /^node_modules\/((?:@[^/]+\/)?[^/]+)\//.exec(file)?.[1] ?? []),
);
const licences = await Promise.all(
  [...packages].sort().map(async (name) => {
    const folder = path.join(here, "node_modules", name);
    const text = await readFile(path.join(folder, "LICENSE"), "utf8").catch(() => readFile(path.join(folder, "LICENSE.md"), "utf8"));
    return `${name}\n\n${text.trim()}\n`;
  }),
);
await writeFile(path.join(out, "assets", "licences.txt"), licences.join(`\n${"-".repeat(72)}\n\n`));

await cp(path.join(here, "public"), out, { recursive: true });
