// Makes one ES module of resample_viz/view/js/, which is what anywidget sends to the browser:
//
//     node tools/bundle.mjs [FOLDER]
//
// Without comments and white space, because it is sent with every lab; names stay, for whoever reads a
// stack trace. The first line names the sources and carries their hash, so that a test without Node
// finds a bundle that was not made again.

import { createHash } from "node:crypto";
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";

const view = join(dirname(fileURLToPath(import.meta.url)), "..", "resample_viz", "view");
const out = process.argv[2] ?? view;
const names = readdirSync(join(view, "js")).filter((name) => name.endsWith(".js"));
const hash = createHash("sha256");
for (const name of names.sort()) hash.update(readFileSync(join(view, "js", name)));

const { metafile, outputFiles } = await build({
  entryPoints: [join(view, "js", "stage.js")],
  bundle: true,
  format: "esm",
  target: "es2022",
  charset: "utf8",
  minifyWhitespace: true,
  minifySyntax: true,
  legalComments: "none",
  logLevel: "warning",
  metafile: true,
  write: false,
});
const bundled = Object.keys(metafile.inputs).map((path) => basename(path));
const first = `// Made by tools/bundle.mjs from js/: ${bundled.sort().join(" ")}, sha256 ${hash.digest("hex")}`;
writeFileSync(join(out, "stage.js"), `${first}\n${outputFiles[0].text}`);
