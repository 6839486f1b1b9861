// The TypeScript SDKs as clients: a plan in, what came of it out (see steps.py).
// argv: the folder with node_modules, "v2" (@modelcontextprotocol/client) or "v1" (@modelcontextprotocol/sdk), the plan.
const { createRequire } = require("node:module");

const [folder, generation, planText] = process.argv.slice(-3);
const load = createRequire(`${folder}/`);
const plan = JSON.parse(planText);

function sdk() {
  if (generation === "v2") {
    const main = load("@modelcontextprotocol/client");
    return { ...main, ...load("@modelcontextprotocol/client/stdio") };
  }
  const base = "@modelcontextprotocol/sdk";
  return {
    ...load(`${base}/client/index.js`),
    ...load(`${base}/client/stdio.js`),
    ...load(`${base}/client/sse.js`),
    ...load(`${base}/client/streamableHttp.js`),
    ...load(`${base}/types.js`),
  };
}

function transport(lib) {
  if (plan.command) {
    const [command, ...args] = plan.command;
    return new lib.StdioClientTransport({ command, args, env: { ...process.env, ...plan.environment }, stderr: "ignore" });
  }
  const options = { requestInit: { headers: plan.headers } };
  const kind = plan.url.endsWith("/sse") ? lib.SSEClientTransport : lib.StreamableHTTPClientTransport;
  return new kind(new URL(plan.url), options);
}

const ANSWERS = {
  "sampling/createMessage": async () => ({ role: "assistant", content: { type: "text", text: "Paris" }, model: "test" }),
  "elicitation/create": async ({ params }) => {
    if (params.mode === "url") return { action: "accept" };
    const asked = params.requestedSchema.properties;
    return { action: "accept", content: asked.approve ? { approve: true } : { colour: "green" } };
  },
  "roots/list": async () => ({ roots: [{ uri: "file:///here" }] }),
};

function client(lib) {
  const capabilities = { sampling: {}, elicitation: plan.elicitation, roots: {} };
  const options = generation === "v2" ? { capabilities, versionNegotiation: { mode: plan.mode } } : { capabilities };
  const made = new lib.Client({ name: "typescript", version: "1.0.0" }, options);
  const schemas = {
    "sampling/createMessage": lib.CreateMessageRequestSchema,
    "elicitation/create": lib.ElicitRequestSchema,
    "roots/list": lib.ListRootsRequestSchema,
  };
  for (const [method, answer] of Object.entries(ANSWERS)) {
    made.setRequestHandler(generation === "v2" ? method : schemas[method], answer);
  }
  return made;
}

const textOf = (parts) => parts.map((part) => part.text ?? "").join("");

async function list(made) {
  const names = [];
  let cursor;
  do {
    const page = await made.listTools(cursor ? { cursor } : {});
    names.push(...page.tools.map((tool) => tool.name));
    cursor = page.nextCursor;
  } while (cursor);
  return { names };
}

async function call(made, step) {
  const progress = [];
  const options = { timeout: 60_000 };
  if (step.progress) options.onprogress = (note) => progress.push(note.progress);
  if (step.cancel_after !== undefined) options.signal = AbortSignal.timeout(step.cancel_after * 1000);
  const params = { name: step.name, arguments: step.arguments };
  try {
    const answering = generation === "v2" ? made.callTool(params, options) : made.callTool(params, undefined, options);
    const result = await answering;
    return { text: textOf(result.content), error: Boolean(result.isError), progress };
  } catch (error) {
    if (options.signal?.aborted) return { cancelled: true };
    throw error;
  }
}

async function perform(made, step) {
  switch (step.do) {
    case "list":
      return list(made);
    case "call":
      return call(made, step);
    case "read":
      return { text: textOf((await made.readResource({ uri: step.uri })).contents) };
    default: {
      const answer = await made.getPrompt({ name: step.name, arguments: step.arguments });
      return { text: textOf(answer.messages.map((message) => message.content)) };
    }
  }
}

async function main() {
  const lib = sdk();
  const made = client(lib);
  const way = transport(lib);
  await made.connect(way);
  const outcomes = [];
  for (const step of plan.steps) {
    try {
      outcomes.push(await perform(made, step));
    } catch (error) {
      outcomes.push({ failed: { code: typeof error.code === "number" ? error.code : 0, message: String(error.message) } });
    }
  }
  await new Promise((done) => setTimeout(done, plan.linger_seconds * 1000));
  const version = made.getNegotiatedProtocolVersion?.() ?? way.protocolVersion ?? "";
  await made.close();
  process.stdout.write(JSON.stringify({ version, outcomes }), () => process.exit(0));
}

main().catch((error) => {
  process.stderr.write(`${error.stack}\n`);
  process.exit(1);
});
