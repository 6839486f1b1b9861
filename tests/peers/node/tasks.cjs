// A client of the TypeScript SDK 1.x that has tasks, at the reference server-everything: what came of both its tools.
// argv: the folder with node_modules, then {command, environment} or {url} as JSON. Prints one JSON object.
const { createRequire } = require("node:module");

const [folder, target] = process.argv.slice(2);
const load = createRequire(`${folder}/`);
const plan = JSON.parse(target);
const base = "@modelcontextprotocol/sdk";
const lib = {
  ...load(`${base}/client/index.js`),
  ...load(`${base}/client/stdio.js`),
  ...load(`${base}/client/sse.js`),
  ...load(`${base}/client/streamableHttp.js`),
  ...load(`${base}/experimental/tasks/stores/in-memory.js`),
  ...load(`${base}/types.js`),
};
const ASYNC = "trigger-sampling-request-async";
const RESEARCH = "simulate-research-query";
const SAMPLING_MS = 200;

const pause = (ms) => new Promise((done) => setTimeout(done, ms));
const textOf = (result) => result.content.map((part) => part.text).join("");

function transport() {
  if (plan.command) {
    const [command, ...args] = plan.command;
    return new lib.StdioClientTransport({ command, args, env: { ...process.env, ...plan.environment }, stderr: "ignore" });
  }
  const kind = plan.url.endsWith("/sse") ? lib.SSEClientTransport : lib.StreamableHTTPClientTransport;
  return new kind(new URL(plan.url));
}

// Its person answers at once, its model as a task of its own. `heard` are the statuses that the server tells by itself.
function client(heard) {
  const capabilities = {
    elicitation: {},
    sampling: {},
    tasks: { list: {}, cancel: {}, requests: { sampling: { createMessage: {} } } },
  };
  const taskStore = new lib.InMemoryTaskStore();
  const made = new lib.Client({ name: "tasks", version: "1.0.0" }, { capabilities, taskStore });
  made.setRequestHandler(lib.ElicitRequestSchema, async () => ({ action: "accept", content: { interpretation: "snake" } }));
  made.setRequestHandler(lib.CreateMessageRequestSchema, async (_request, { taskStore: mine }) => {
    const task = await mine.createTask({ ttl: 60_000, pollInterval: SAMPLING_MS });
    const result = { role: "assistant", model: "test", content: { type: "text", text: "Paris" } };
    setTimeout(() => mine.storeTaskResult(task.taskId, "completed", result), SAMPLING_MS);
    return { task };
  });
  made.setNotificationHandler(lib.TaskStatusNotificationSchema, async ({ params }) => void heard.push(params.status));
  return made;
}

// What a call yields as a task: how it went, each status once, and the text in the end. `seen` is told of each task.
async function yielded(made, args, seen) {
  const went = [];
  let text = null;
  const call = { name: RESEARCH, arguments: args };
  for await (const message of made.experimental.tasks.callToolStream(call, undefined, { task: { ttl: 60_000 } })) {
    const word = message.task ? `${message.type} ${message.task.status}` : message.type;
    if (went.at(-1) !== word) went.push(word);
    if (message.type === "taskCreated") await seen(message.task);
    if (message.type === "result") text = textOf(message.result);
  }
  return { went, text };
}

async function refused(asking) {
  try {
    return await asking;
  } catch (error) {
    return { code: error.code, message: error.message };
  }
}

async function main() {
  const heard = [];
  const made = client(heard);
  await made.connect(transport());
  while (!(await made.listTools()).tools.some((tool) => tool.name === ASYNC)) await pause(50);
  const { tasks } = made.experimental;
  const ids = [];
  const researched = await yielded(made, { topic: "python", ambiguous: true }, async (task) => void ids.push(task.taskId));
  const stopped = await yielded(made, { topic: "cats" }, async (task) => {
    ids.push(task.taskId);
    await tasks.cancelTask(task.taskId);
  });
  const listed = (await tasks.listTasks()).tasks.map((task) => `${ids.indexOf(task.taskId)} ${task.status}`);
  const sampled = textOf(await made.callTool({ name: ASYNC, arguments: { prompt: "the capital?" } }));
  const unknown = await refused(tasks.getTask("nobody's"));
  await made.close();
  const told = [...new Set(heard)].sort();
  const found = { researched, stopped, listed, sampled, unknown, told };
  process.stdout.write(JSON.stringify(found).replace(/[0-9a-f]{32}/g, "ID"), () => process.exit(0));
}

main().catch((error) => {
  process.stderr.write(`${error.stack}\n`);
  process.exit(1);
});
