// Runs every audit of `graphql-http` against the gateway at the given address, one after the other, and prints one JSON
// line for each: {"id", "name", "status", "reason"}. The exit code is 0 when all of them are ok.
import { serverAudits } from 'graphql-http';

const url = process.argv[2];
if (!url) {
  console.error('usage: node audit.mjs http://127.0.0.1:8000/graphql');
  process.exit(2);
}

let failed = 0;
for (const audit of serverAudits({ url })) {
  const result = await audit.fn();
  if (result.status !== 'ok') failed += 1;
  console.log(JSON.stringify({ id: result.id, name: result.name, status: result.status, reason: result.reason }));
}
process.exit(failed === 0 ? 0 : 1);
