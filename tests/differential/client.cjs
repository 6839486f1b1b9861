// Clients of the TypeScript SDKs that say what they took out of each stream: see python_client.py.
// argv: the folder with node_modules, "v1" (@modelcontextprotocol/sdk) or "v2" (.../client), the URL, names.
const { createRequire } = require("node:module");

const [folder, generation, url, ...names] = process.argv.slice(2);
const load = createRequire(`${folder}/`);

function sdk() {
  if (generation === "v2") return load("@modelcontextprotocol/client");
  const base = "@modelcontextprotocol/sdk";
  return { ...load(`${base}/client/index.js`), ...load(`${base}/client/streamableHttp.js`) };
}

async function main() {
  const lib = sdk();
  let seen = [];
  const options = generation === "v2" ? { capabilities: {}, versionNegotiation: { mode: "auto" } } : { capabilities: {} };
  const client = new lib.Client({ name: "reader", version: "1" }, options);
  client.fallbackNotificationHandler = async (message) => seen.push({ note: message.params?.data });
  client.onerror = () => {};
  await client.connect(new lib.StreamableHTTPClientTransport(new URL(url)));
  for (const name of names) {
    seen = [];
    const mine = seen;
    try {
      const limit = { timeout: 3000 };
      const params = { name, arguments: {} };
      const result = await (generation === "v2" ? client.callTool(params, limit) : client.callTool(params, undefined, limit));
      mine.push({ answer: result.content.map((part) => part.text).join("") });
    } catch (error) {
      process.stderr.write(`${name}: ${error}\n`);
    }
    await new Promise((done) => setTimeout(done, 20));
    process.stdout.write(`${JSON.stringify({ name, seen: mine })}\n`);
  }
  process.exit(0);
}

main().catch((error) => {
  process.stderr.write(`${error.stack}\n`);
  process.exit(1);
});
