#!/usr/bin/env node
// SPDX-License-Identifier: GPL-2.0
// The commands of ruff that nipa uses, `ruff --version` and `ruff check --output-format pylint
// FILE ...`, with the WebAssembly build from npm, which tools/setup installs.  The settings are the
// defaults of ruff.
const fs = require("fs");
const npm = `${__dirname}/../build/tools/ruff/node_modules/@astral-sh/ruff-wasm-nodejs`;
const {Workspace, PositionEncoding} = require(npm);

const [command, ...args] = process.argv.slice(2);
let found = 0;
if (command === "--version") {
	console.log(`ruff ${Workspace.version()}`);
} else if (command === "check" && args[0] === "--output-format" && args[1] === "pylint") {
	const ruff = new Workspace(Workspace.defaultSettings(), PositionEncoding.Utf32);
	for (const file of args.slice(2))
		for (const {code, message, start_location} of ruff.check(fs.readFileSync(file, "utf8"))) {
			console.log(`${file}:${start_location.row}: [${code || "invalid-syntax"}] ${message}`);
			found = 1;
		}
} else {
	console.error("ruff: only --version and check --output-format pylint FILE ...");
	found = 2;
}
process.exitCode = found;
