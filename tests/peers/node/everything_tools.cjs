// What the conformance suite asks a server for by name, for the TypeScript SDK 2.x: tools, as `name: [input schema, answer]`.
const PNG = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mP8z8DwHwAFBQIAX8jx0gAAAABJRU5ErkJggg==";
const WAV = "UklGRiYAAABXQVZFZm10IBAAAAABAAEAQB8AAAB9AAACABAAZGF0YQIAAAA=";
const IMAGE = { type: "image", data: PNG, mimeType: "image/png" };
const STATES = ["active", "inactive", "pending"];

const text = (value) => ({ type: "text", text: String(value) });
const said = (...content) => ({ content: content.map((part) => (typeof part === "string" ? text(part) : part)) });
const embedded = (uri, content, mimeType = "text/plain") => ({ type: "resource", resource: { uri, mimeType, text: content } });
const object = (properties = {}, required = Object.keys(properties)) => ({ type: "object", properties, required });
const pause = (milliseconds) => new Promise((done) => setTimeout(done, milliseconds));
const titled = (titles) => Object.entries(titles).map(([value, title]) => ({ const: value, title }));

const DEFAULTS = object(
  {
    name: { type: "string", default: "John Doe" },
    age: { type: "integer", default: 30 },
    score: { type: "number", default: 95.5 },
    status: { type: "string", enum: STATES, default: "active" },
    verified: { type: "boolean", default: true },
  },
  [],
);
const OPTIONS = ["option1", "option2", "option3"];
const VALUES = titled({ value1: "First", value2: "Second", value3: "Third" });
const ENUMS = object(
  {
    untitledSingle: { type: "string", enum: OPTIONS },
    titledSingle: { type: "string", oneOf: VALUES },
    untitledMulti: { type: "array", items: { type: "string", enum: OPTIONS } },
    titledMulti: { type: "array", items: { anyOf: VALUES } },
    legacyEnum: { type: "string", enum: ["opt1", "opt2", "opt3"], enumNames: ["One", "Two", "Three"] },
  },
  [],
);
const SCHEMA_2020_12 = {
  $schema: "https://json-schema.org/draft/2020-12/schema",
  type: "object",
  $defs: {
    address: { $anchor: "addressDef", type: "object", properties: { street: { type: "string" }, city: { type: "string" } } },
  },
  properties: {
    name: { type: "string" },
    address: { $ref: "#/$defs/address" },
    contactMethod: { type: "string", enum: ["phone", "email"] },
    phone: { type: "string" },
    email: { type: "string" },
  },
  allOf: [{ anyOf: [{ required: ["phone"] }, { required: ["email"] }] }],
  if: { properties: { contactMethod: { const: "phone" } }, required: ["contactMethod"] },
  then: { required: ["phone"] },
  else: { required: ["email"] },
  additionalProperties: false,
};

const asked = (ctx, message, requestedSchema) => ctx.mcpReq.elicitInput({ mode: "form", message, requestedSchema });
const elicited = (answer) => `action=${answer.action}, content=${JSON.stringify(answer.content ?? {})}`;

async function logging(_args, ctx) {
  for (const data of ["Tool execution started", "Tool processing data", "Tool execution completed"]) {
    await ctx.mcpReq.log("info", data);
    await pause(50);
  }
  return said("Tool with logging executed successfully");
}

async function progress(_args, ctx) {
  const progressToken = ctx.mcpReq._meta?.progressToken ?? 0;
  for (const done of [0, 50, 100]) {
    const params = { progressToken, progress: done, total: 100, message: `Completed step ${done} of 100` };
    await ctx.mcpReq.notify({ method: "notifications/progress", params });
    await pause(50);
  }
  return said(String(progressToken));
}

async function sampling({ prompt }, ctx) {
  const answer = await ctx.mcpReq.requestSampling({ messages: [{ role: "user", content: text(prompt) }], maxTokens: 100 });
  return said(`LLM response: ${answer.content.text ?? "No response"}`);
}

async function reconnection(_args, ctx) {
  ctx.http?.closeSSE?.();
  await pause(200);
  return said("Reconnection test completed");
}

const mixed = () =>
  said(
    "Multiple content types test:",
    IMAGE,
    embedded("test://mixed-content-resource", '{"test":"data","value":123}', "application/json"),
  );

function failing() {
  throw new Error("This tool intentionally returns an error for testing");
}

const plain = (answer) => [object(), answer];
const question = { message: { type: "string" } };
// Nothing is required: the suite accepts with what it likes, and this SDK checks what comes back.
const REPLY = object({ response: { type: "string" } }, []);

const TOOLS = {
  test_simple_text: plain(() => said("This is a simple text response for testing.")),
  test_image_content: plain(() => said(IMAGE)),
  test_audio_content: plain(() => said({ type: "audio", data: WAV, mimeType: "audio/wav" })),
  test_embedded_resource: plain(() => said(embedded("test://embedded-resource", "This is an embedded resource content."))),
  test_multiple_content_types: plain(mixed),
  test_tool_with_logging: plain(logging),
  test_logging_tool: plain(logging),
  test_tool_with_progress: plain(progress),
  test_error_handling: plain(failing),
  test_reconnection: plain(reconnection),
  test_sampling: [object({ prompt: { type: "string" } }), sampling],
  test_elicitation: [
    object(question),
    async ({ message }, ctx) => said(`User response: ${elicited(await asked(ctx, message, REPLY))}`),
  ],
  test_elicitation_sep1034_defaults: plain(async (_args, ctx) =>
    said(`Elicitation completed: ${elicited(await asked(ctx, "Please review", DEFAULTS))}`),
  ),
  test_elicitation_sep1330_enums: plain(async (_args, ctx) =>
    said(`Elicitation completed: ${elicited(await asked(ctx, "Please select", ENUMS))}`),
  ),
  test_x_mcp_header: [object({ region: { type: "string", "x-mcp-header": "Region" } }), ({ region }) => said(`region=${region}`)],
  json_schema_2020_12_tool: [SCHEMA_2020_12, (args) => said(JSON.stringify(args))],
};

module.exports = { IMAGE, PNG, TOOLS, embedded, object, said, text };
