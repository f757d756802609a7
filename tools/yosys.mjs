// SPDX-License-Identifier: MIT
// Runs a Yosys script in WebAssembly: `node yosys.mjs SCRIPT OUTPUT_FOLDER FILE...`. The script sees the files under the
// paths they were given by; what it writes below out/ goes to the output folder. Exits with Yosys' own code.
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';

const modules = createRequire(join(process.env.HOLDOVER_NODE_MODULES, 'anchor.js'));
const { Exit, runYosys } = await import(pathToFileURL(modules.resolve('@yowasp/yosys')));

const [script, output, ...paths] = process.argv.slice(2);
const tree = { out: {}, 'script.ys': readFileSync(script) };
for (const path of paths) {
  const parts = path.split('/');
  let folder = tree;
  for (const part of parts.slice(0, -1)) folder = folder[part] ??= {};
  folder[parts.at(-1)] = readFileSync(path);
}

const to = (stream) => (bytes) => bytes && stream.write(bytes);
try {
  const result = await runYosys(['-Q', '-T', '-s', 'script.ys'], tree,
    { stdout: to(process.stdout), stderr: to(process.stderr) });
  mkdirSync(output, { recursive: true });
  for (const [name, content] of Object.entries(result.out ?? {})) writeFileSync(join(output, name), content);
} catch (error) {
  if (!(error instanceof Exit)) throw error;
  process.exitCode = error.code || 1;
}
