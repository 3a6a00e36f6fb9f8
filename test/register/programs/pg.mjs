import pg from "pg";
import { relay } from "./relay.mjs";
import { play } from "./roles.mjs";

async function ask(host, port) {
  const pool = new pg.Pool({ host, port, user: "postgres", database: "postgres", max: 3 });
  const table = `t${process.pid}`;
  await pool.query(`create table ${table} (id int primary key, body text)`);
  const client = await pool.connect();
  await client.query("begin");
  for (let n = 0; n < 100; n++)
    await client.query(`insert into ${table} values ($1, $2)`, [n, "b".repeat(n * 100)]);
  await client.query("commit");
  client.release();
  const sums = Array.from({ length: 6 }, async (_, n) => {
    const { rows } = await pool.query(`select sum(length(body)) + $1 as sum from ${table}`, [n]);
    return Number(rows[0].sum) - n;
  });
  console.log((await Promise.all(sums)).join(" "));
  const { rows } = await pool.query("select repeat('x', 3000000) as long");
  console.log(rows[0].long.length);
  const failed = await pool.query("select nothing").catch((error) => error);
  console.log(failed.code);
  await pool.query(`drop table ${table}`);
  await pool.end();
}

await play(async (host, port) => await relay(process.env.TEST_POSTGRES, host, port), ask);
