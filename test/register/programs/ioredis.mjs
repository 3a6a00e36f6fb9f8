import { Redis } from "ioredis";
import { relay } from "./relay.mjs";
import { play } from "./roles.mjs";

async function ask(host, port) {
  const redis = new Redis(port, host);
  const key = `tuntcp:${process.pid}`;
  console.log(await redis.set(key, "value"), await redis.get(key));
  const pipeline = redis.pipeline();
  for (let n = 0; n < 1000; n++) pipeline.rpush(`${key}:list`, `entry ${n}`);
  console.log((await pipeline.exec()).every(([error]) => error === null));
  console.log(await redis.llen(`${key}:list`));
  const big = Buffer.alloc(2_000_000, "redis");
  await redis.set(key, big);
  console.log(big.equals(await redis.getBuffer(key)));
  const subscriber = redis.duplicate();
  await subscriber.subscribe(`${key}:news`);
  const heard = new Promise((resolve) => subscriber.once("message", (_, text) => resolve(text)));
  await redis.publish(`${key}:news`, "heard");
  console.log(await heard);
  await redis.del(key, `${key}:list`);
  await Promise.all([redis.quit(), subscriber.quit()]);
}

await play(async (host, port) => await relay(process.env.TEST_REDIS, host, port), ask);
