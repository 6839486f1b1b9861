// The MCP Inspector's command line as a client: a plan in, what came of it out (see steps.py). Each step is a
// run of its own, and it does not tell the revision that was agreed on.
// argv: the folder with node_modules, the plan.
const { spawn } = require("node:child_process");
const { mkdtempSync, rmSync } = require("node:fs");
const { tmpdir } = require("node:os");
const { join } = require("node:path");

const [folder, planText] = process.argv.slice(-2);
const plan = JSON.parse(planText);
const PROGRAM = join(folder, "node_modules/.bin/mcp-inspector");
const STORAGE = mkdtempSync(join(tmpdir(), "inspector-"));
// Until the program has started, connected, and sent its call.
const START_MILLISECONDS = 3000;

function target() {
  if (plan.command) return [];
  const headers = Object.entries(plan.headers).flatMap(([name, value]) => ["--header", `${name}: ${value}`]);
  return ["--server-url", plan.url, ...headers];
}

function asked(step) {
  switch (step.do) {
    case "list":
      return ["--method", "tools/list"];
    case "call":
      return ["--method", "tools/call", "--tool-name", step.name, "--tool-args-json", JSON.stringify(step.arguments)];
    case "read":
      return ["--method", "resources/read", "--uri", step.uri];
    default: {
      const pairs = Object.entries(step.arguments).map(([name, value]) => `${name}=${value}`);
      return ["--method", "prompts/get", "--prompt-name", step.name, "--prompt-args", ...pairs];
    }
  }
}

// A run of the command line, started and then interrupted where the call is to be given up.
function run(step) {
  const args = [PROGRAM, "--cli", ...asked(step), ...target(), "--format", "json", "--quiet"];
  if (plan.command) args.push("--", ...plan.command);
  const env = { ...process.env, ...plan.environment, MCP_STORAGE_DIR: STORAGE };
  const child = spawn(process.execPath, args, { env });
  const printed = { out: [], err: [] };
  child.stdout.on("data", (chunk) => printed.out.push(chunk));
  child.stderr.on("data", (chunk) => printed.err.push(chunk));
  const interrupt = () => child.kill("SIGINT");
  const timer = step.cancel_after && setTimeout(interrupt, START_MILLISECONDS + step.cancel_after * 1000);
  return new Promise((done) =>
    child.on("close", (code) => {
      clearTimeout(timer);
      done({ code, out: Buffer.concat(printed.out).toString(), err: Buffer.concat(printed.err).toString() });
    }),
  );
}

const textOf = (parts) => parts.map((part) => part.text ?? "").join("");

function outcome(step, result) {
  switch (step.do) {
    case "list":
      return { names: result.tools.map((tool) => tool.name) };
    case "call":
      return { text: textOf(result.content), error: Boolean(result.isError), progress: [] };
    case "read":
      return { text: textOf(result.contents) };
    default:
      return { text: textOf(result.messages.map((message) => message.content)) };
  }
}

// The last line of the errors is the program's own; above it is what a server over stdio prints.
function failed(printed) {
  const last = printed.trim().split("\n").at(-1);
  try {
    return { failed: { code: 0, message: JSON.parse(last).error.message } };
  } catch {
    return { failed: { code: 0, message: last } };
  }
}

async function perform(step) {
  const { out, err } = await run(step);
  if (out.trim()) return outcome(step, JSON.parse(out).result);
  return step.cancel_after === undefined ? failed(err) : { cancelled: true };
}

async function main() {
  const outcomes = [];
  for (const step of plan.steps) outcomes.push(await perform(step));
  rmSync(STORAGE, { recursive: true, force: true });
  process.stdout.write(JSON.stringify({ version: "", outcomes }));
}

main();
