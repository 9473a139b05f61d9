// Makes one ES module of resample_viz/view/js/, which is what anywidget sends to the browser:
//
//     node tools/bundle.mjs [FOLDER]
//
// The first line of the bundle carries a hash of its sources, so that a test without Node finds a
// bundle that was not made again.

import { createHash } from "node:crypto";
import { readdirSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";

const view = join(dirname(fileURLToPath(import.meta.url)), "..", "resample_viz", "view");
const out = process.argv[2] ?? view;
const names = readdirSync(join(view, "js")).filter((name) => name.endsWith(".js"));
const hash = createHash("sha256");
for (const name of names.sort()) hash.update(readFileSync(join(view, "js", name)));

await build({
  entryPoints: [join(view, "js", "stage.js")],
  outfile: join(out, "stage.js"),
  bundle: true,
  format: "esm",
  target: "es2022",
  charset: "utf8",
  banner: { js: `// Made by tools/bundle.mjs from js/, sha256 ${hash.digest("hex")}` },
  legalComments: "none",
  logLevel: "warning",
});
