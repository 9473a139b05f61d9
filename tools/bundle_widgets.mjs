// Makes one script and one style sheet of ipywidgets' front end, for pages without a kernel:
//
//     node tools/bundle_widgets.mjs
//
// A script and no module, because a page that is opened from a disk may not load modules. It sets
// `window.rvWidgets`. It is made again only for another version of ipywidgets.

import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";

const root = join(dirname(fileURLToPath(import.meta.url)), "..");
const out = process.argv[2] ?? join(root, "resample_viz", "view", "page");

const entry = `
import "@jupyter-widgets/controls/css/labvariables.css";
import "@lumino/widgets/style/index.css";
import "@jupyter-widgets/base/css/index.css";
import "@jupyter-widgets/controls/css/widgets.css";
export * as base from "@jupyter-widgets/base";
export * as controls from "@jupyter-widgets/controls";
export { ManagerBase } from "@jupyter-widgets/base-manager";
export { Widget } from "@lumino/widgets";
`;

// Only labels with markup ask for it, and ours have none: plain text is safe, and 250 kB smaller.
const plainText = `
export default (html) => html.replace(/[&<>"]/g, (sign) => "&#" + sign.charCodeAt(0) + ";");
`;

await build({
  stdin: { contents: entry, resolveDir: root },
  outfile: join(out, "widgets.js"),
  bundle: true,
  minify: true,
  format: "iife",
  globalName: "rvWidgets",
  target: "es2022",
  charset: "utf8",
  define: { global: "window", "process.env.NODE_ENV": '"production"' },
  loader: { ".svg": "dataurl" },
  legalComments: "eof",
  logLevel: "warning",
  plugins: [
    {
      name: "plain text instead of sanitized HTML",
      setup(bundle) {
        bundle.onResolve({ filter: /^sanitize-html$/ }, ({ path }) => ({ path, namespace: "own" }));
        bundle.onLoad({ filter: /.*/, namespace: "own" }, () => ({ contents: plainText }));
      },
    },
  ],
});
