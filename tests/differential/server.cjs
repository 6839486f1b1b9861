// Servers of the TypeScript SDKs that write down what they are about to execute: see python_server.py.
// argv: the folder with node_modules, then "http" PORT JOURNAL, "express" PORT JOURNAL or "stdio" JOURNAL for 1.x, and
// "handler" PORT JOURNAL or "pipes" JOURNAL for 2.x.
const { createRequire } = require("node:module");
const { appendFileSync } = require("node:fs");
const http = require("node:http");

const [folder, kind, ...rest] = process.argv.slice(2);
const load = createRequire(`${folder}/`);
const journal = rest[rest.length - 1];
const WHO = { name: "journal", version: "1" };
const HAS = { capabilities: { tools: {}, resources: {}, prompts: {} } };

function note(message) {
  const params = message.params === undefined ? "null" : JSON.stringify(message.params);
  appendFileSync(journal, `${JSON.stringify({ method: message.method, id: message.id ?? null, params })}\n`);
}

function server() {
  const { Server } = load("@modelcontextprotocol/sdk/server/index.js");
  const made = new Server(WHO, HAS);
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

// 2.x notes what reaches its dispatcher: handlers see a message only after members were lifted out of it.
function noting() {
  const { Server } = load("@modelcontextprotocol/server");
  class Noting extends Server {
    _onrequest(message, extra) {
      note(message);
      super._onrequest(message, extra);
    }

    _onnotification(message, extra) {
      note(message);
      super._onnotification(message, extra);
    }
  }
  return new Noting(WHO, HAS);
}

function handler() {
  const { createMcpHandler } = load("@modelcontextprotocol/server");
  const { toNodeHandler } = load("@modelcontextprotocol/node");
  const made = createMcpHandler(noting);
  return toNodeHandler({
    fetch: async (request, options) => {
      const answer = await made.fetch(request, options);
      answer.headers.set("connection", "close"); // it says keep-alive of streams, whatever the request says
      return answer;
    },
  });
}

function listen() {
  const express = kind === "express" ? load("express") : null;
  let app = kind === "handler" ? handler() : (request, response) => handle(request, response);
  if (express) {
    app = express();
    app.use(express.json());
    app.post("/mcp", (request, response) => handle(request, response, request.body));
    app.use((error, _request, response, _next) => response.status(400).end());
  }
  http.createServer(app).listen(Number(rest[0]), "127.0.0.1");
}

async function main() {
  if (kind === "stdio") {
    const { StdioServerTransport } = load("@modelcontextprotocol/sdk/server/stdio.js");
    await server().connect(new StdioServerTransport());
  } else if (kind === "pipes") {
    const { StdioServerTransport } = load("@modelcontextprotocol/server/stdio");
    await noting().connect(new StdioServerTransport());
  } else {
    listen();
  }
}

main();
