import grpc from "@grpc/grpc-js";
import { play } from "./roles.mjs";

const encode = (value) => Buffer.from(JSON.stringify(value));
const decode = (bytes) => JSON.parse(String(bytes));
const method = (path, requestStream, responseStream) => ({
  path,
  requestStream,
  responseStream,
  requestSerialize: encode,
  requestDeserialize: decode,
  responseSerialize: encode,
  responseDeserialize: decode,
});
const service = {
  greet: method("/demo.Demo/greet", false, false),
  count: method("/demo.Demo/count", false, true),
  add: method("/demo.Demo/add", true, false),
};

async function serve(host, port) {
  const server = new grpc.Server();
  server.addService(service, {
    greet({ request }, callback) {
      if (request.name === "") callback({ code: grpc.status.INVALID_ARGUMENT, details: "no name" });
      else callback(null, { text: `hello ${request.name}` });
    },
    count(call) {
      for (let n = 1; n <= call.request.to; n++) call.write({ n });
      call.end();
    },
    add(call, callback) {
      let sum = 0;
      call.on("data", ({ n }) => (sum += n));
      call.on("end", () => callback(null, { sum }));
    },
  });
  const bound = await new Promise((resolve, reject) => {
    server.bindAsync(`${host}:${port}`, grpc.ServerCredentials.createInsecure(), (error, at) =>
      error ? reject(error) : resolve(at),
    );
  });
  return { port: bound, close: () => new Promise((done) => server.tryShutdown(() => done())) };
}

async function ask(host, port) {
  const Demo = grpc.makeGenericClientConstructor(service, "Demo");
  const client = new Demo(`${host}:${port}`, grpc.credentials.createInsecure());
  const call = (name, request) =>
    new Promise((resolve) => client[name](request, (error, answer) => resolve(error ?? answer)));
  console.log((await call("greet", { name: "world" })).text);
  const failed = await call("greet", { name: "" });
  console.log(failed.code, failed.details);
  let count = 0;
  for await (const { n } of client.count({ to: 100 })) count += n;
  console.log(count);
  const sum = await new Promise((resolve) => {
    const adding = client.add((error, answer) => resolve(answer.sum));
    for (let n = 1; n <= 1000; n++) adding.write({ n });
    adding.end();
  });
  console.log(sum);
  client.close();
}

await play(serve, ask);
