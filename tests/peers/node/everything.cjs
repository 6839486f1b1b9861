// A server with everything that the conformance suite asks for, on the TypeScript SDK 2.x, dual era, over streamable HTTP.
// argv: the folder with node_modules, the port. Legacy revisions have sessions whose streams can be resumed.
const { randomUUID } = require("node:crypto");
const { createServer } = require("node:http");
const { createRequire } = require("node:module");
const { IMAGE, PNG, TOOLS, embedded, object, text } = require("./everything_tools.cjs");
const { prompt, rounds } = require("./everything_rounds.cjs");

const [folder, port] = process.argv.slice(-2);
const load = createRequire(`${folder}/`);
const lib = load("@modelcontextprotocol/server");
const node = load("@modelcontextprotocol/node");

const STATES = lib.createRequestStateCodec({ key: "a fixed key, so that states survive a restart" });
const modern = lib.createMcpHandler(build, { legacy: "reject" });
const ALL_TOOLS = {
  ...TOOLS,
  ...rounds(lib, STATES),
  test_trigger_tool_change: [object(), () => changed(modern.notify.toolsChanged, "tool list changed")],
  test_trigger_prompt_change: [object(), () => changed(modern.notify.promptsChanged, "prompt list changed")],
};

function changed(tell, words) {
  tell();
  return { content: [text(words)] };
}

const RESOURCES = {
  "test://static-text": { mimeType: "text/plain", text: "This is the content of the static text resource." },
  "test://static-binary": { mimeType: "image/png", blob: PNG },
  "test://watched-resource": { mimeType: "text/plain", text: "Watched resource content" },
};
const user = (content) => ({ role: "user", content });
const said = (...contents) => ({ messages: contents.map(user) });
const PROMPTS = {
  test_simple_prompt: [[], () => said(text("This is a simple prompt for testing."))],
  test_prompt_with_arguments: [
    ["arg1", "arg2"],
    ({ arg1, arg2 }) => said(text(`Prompt with arguments: arg1='${arg1}', arg2='${arg2}'`)),
  ],
  test_prompt_with_embedded_resource: [
    ["resourceUri"],
    ({ resourceUri }) =>
      said(embedded(resourceUri, "Embedded resource content for testing."), text("Please process the embedded resource above.")),
  ],
  test_prompt_with_image: [[], () => said(IMAGE, text("Please analyze the image above."))],
  test_input_required_result_prompt: [[], (_args, ctx) => prompt(lib, ctx)],
};

function got({ name, arguments: given = {} }, ctx) {
  if (!Object.hasOwn(PROMPTS, name)) throw new lib.ProtocolError(-32602, `${name} is not known`);
  return PROMPTS[name][1](given, ctx);
}

function read(uri) {
  const id = /^test:\/\/template\/([^/]+)\/data$/.exec(uri)?.[1];
  if (id !== undefined) {
    const data = JSON.stringify({ id, templateTest: true, data: `Data for ID: ${id}` });
    return { contents: [{ uri, mimeType: "application/json", text: data }] };
  }
  if (!Object.hasOwn(RESOURCES, uri)) throw new lib.ResourceNotFoundError(uri);
  return { contents: [{ uri, ...RESOURCES[uri] }] };
}

const HANDLERS = {
  "resources/list": () => ({
    resources: Object.entries(RESOURCES).map(([uri, { mimeType }]) => ({ uri, name: uri.slice(7), mimeType })),
  }),
  "resources/templates/list": () => ({
    resourceTemplates: [{ uriTemplate: "test://template/{id}/data", name: "template", mimeType: "application/json" }],
  }),
  "resources/read": ({ params }) => read(params.uri),
  "prompts/list": () => ({
    prompts: Object.entries(PROMPTS).map(([name, [names]]) => ({
      name,
      description: name.replaceAll("_", " "),
      arguments: names.map((argument) => ({ name: argument, required: true, description: argument })),
    })),
  }),
  "prompts/get": ({ params }, ctx) => got(params, ctx),
  "completion/complete": () => ({ completion: { values: [], total: 0, hasMore: false } }),
  "logging/setLevel": () => ({}),
  "resources/subscribe": () => ({}),
  "resources/unsubscribe": () => ({}),
};

function build() {
  const changes = { listChanged: true };
  const resources = { subscribe: true, ...changes };
  const capabilities = { tools: changes, prompts: changes, resources, logging: {}, completions: {} };
  const options = { capabilities, requestState: { verify: STATES.verify } };
  const made = new lib.McpServer({ name: "everything-v2", version: "1.0.0" }, options);
  for (const [name, [schema, answer]] of Object.entries(ALL_TOOLS)) {
    made.registerTool(name, { description: name.replaceAll("_", " "), inputSchema: lib.fromJsonSchema(schema) }, answer);
  }
  for (const [method, answer] of Object.entries(HANDLERS)) made.server.setRequestHandler(method, answer);
  return made;
}

// Every event of every stream in memory, numbered from 1 over all of them, so that streams can be resumed.
function events() {
  const kept = [];
  return {
    storeEvent: async (stream, message) => String(kept.push({ stream, message })),
    getStreamIdForEventId: async (id) => kept[id - 1]?.stream,
    replayEventsAfter: async (last, { send }) => {
      const stream = kept[last - 1].stream;
      for (const [index, event] of kept.entries()) {
        if (index >= last && event.stream === stream && event.message.jsonrpc) await send(String(index + 1), event.message);
      }
      return stream;
    },
  };
}

const sessions = new Map();

async function session() {
  const transport = new lib.WebStandardStreamableHTTPServerTransport({
    sessionIdGenerator: randomUUID,
    eventStore: events(),
    retryInterval: 100,
    onsessioninitialized: (id) => void sessions.set(id, transport),
    onsessionclosed: (id) => void sessions.delete(id),
  });
  await build().connect(transport);
  return transport;
}

async function legacy(request) {
  const id = request.headers.get("mcp-session-id");
  if (id !== null && !sessions.has(id)) {
    return Response.json({ jsonrpc: "2.0", id: null, error: { code: -32001, message: "Session not found" } }, { status: 404 });
  }
  const transport = id === null ? await session() : sessions.get(id);
  return transport.handleRequest(request);
}

const answer = node.toNodeHandler({
  fetch: async (request) => ((await lib.isLegacyRequest(request)) ? legacy(request) : modern.fetch(request)),
});
const [hostIsFine, originIsFine] = [node.localhostHostValidation(), node.localhostOriginValidation()];

createServer((request, response) => {
  if (hostIsFine(request, response) && originIsFine(request, response)) answer(request, response);
}).listen(Number(port), "127.0.0.1");
