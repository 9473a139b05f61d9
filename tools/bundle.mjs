// Makes what browsers load of resample_viz/view/js/:
//
//     node tools/bundle.mjs [FOLDER]
//
// stage.js, one ES module, which is what anywidget sends; and page/page.js, one script, which is what
// a page without a kernel loads. The first line of both carries a hash of their sources, so that a
// test without Node finds a bundle that was not made again.

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
const banner = { js: `// Made by tools/bundle.mjs from js/, sha256 ${hash.digest("hex")}` };

for (const [entry, outfile, format] of [
  ["stage.js", "stage.js", "esm"],
  ["page.js", "page/page.js", "iife"],
])
  await build({
    entryPoints: [join(view, "js", entry)],
    outfile: join(out, outfile),
    bundle: true,
    format,
    target: "es2022",
    charset: "utf8",
    banner,
    legalComments: "none",
    logLevel: "warning",
  });
