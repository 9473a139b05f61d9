// Calls functions of a module on plain values: reads [[name, ...arguments], ...] from standard input,
// prints the results as JSON. Arguments: the path of the module.
import { readFileSync } from "node:fs";
import { pathToFileURL } from "node:url";

const module = await import(pathToFileURL(process.argv[2]));
const calls = JSON.parse(readFileSync(0, "utf8"));
process.stdout.write(JSON.stringify(calls.map(([name, ...values]) => module[name](...values))));
