// Servers of the TypeScript SDK 1.x that write down what they are about to execute: see python_server.py.
// argv: the folder with node_modules, then "http" PORT JOURNAL, "express" PORT JOURNAL, or "stdio" JOURNAL.
const { createRequire } = require("node:module");
const { appendFileSync } = require("node:fs");
const http = require("node:http");

const [folder, kind, ...rest] = process.argv.slice(2);
const load = createRequire(`${folder}/`);
const journal = rest[rest.length - 1];
const { Server } = load("@modelcontextprotocol/sdk/server/index.js");

function note(message) {
  const params = message.params === undefined ? "null" : JSON.stringify(message.params);
  appendFileSync(journal, `${JSON.stringify({ method: message.method, id: message.id ?? null, params })}\n`);
}

function server() {
  const made = new Server({ name: "journal", version: "1" }, { capabilities: { tools: {}, resources: {}, prompts: {} } });
  made.removeRequestHandler("ping");
  made.fallbackRequestHandler = async (message) => {
    note(message);
    return {};
  };
  made.fallbackNotificationHandler = async (message) => note(message);
  made.onerror = () => {};
  return made;
}

async function handle(request, response, body) {
  const { StreamableHTTPServerTransport } = load("@modelcontextprotocol/sdk/server/streamableHttp.js");
  const transport = new StreamableHTTPServerTransport({ sessionIdGenerator: undefined, enableJsonResponse: true });
  await server().connect(transport);
  await transport.handleRequest(request, response, body);
}

function listen() {
  const express = kind === "express" ? load("express") : null;
  let app = (request, response) => handle(request, response);
  if (express) {
    app = express();
    app.use(express.json());
    app.post("/mcp", (request, response) => handle(request, response, request.body));
    app.use((error, _request, response, _next) => response.status(400).end());
  }
  http.createServer(app).listen(Number(rest[0]), "127.0.0.1");
}

async function main() {
  if (kind !== "stdio") {
    listen();
    return;
  }
  const { StdioServerTransport } = load("@modelcontextprotocol/sdk/server/stdio.js");
  await server().connect(new StdioServerTransport());
}

main();
