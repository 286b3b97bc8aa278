// Tests named as sentences about behaviour; one line each on standard output, fields separated by tabs:
//   ok <tab> sentence
//   FAILED <tab> sentence <tab> why
// and, once all have run,
//   end

'use strict';

const { randomUUID } = require('node:crypto');
const net = require('node:net');

const MILLISECONDS_PER_BEHAVIOUR = 20000;
const behaviours = [];

function behaviour(sentence, test) {
  behaviours.push({ sentence, test });
}

/** A name for a queue or exchange that no other test and no earlier run has used. */
function unique(name) {
  return `interop.node.${name}.${randomUUID().slice(0, 8)}`;
}

/** Cuts every connection through the proxy; resolves once it is done. */
function cutConnections() {
  return new Promise((resolve, reject) => {
    const control = net.connect(Number(process.env.AMQP_PROXY_CONTROL_PORT), '127.0.0.1');
    control.on('error', reject).on('close', resolve).resume();
  });
}

function withinTime(promise) {
  let timer;
  const late = new Promise((_, reject) => {
    timer = setTimeout(() => reject(new Error(`not finished after ${MILLISECONDS_PER_BEHAVIOUR} ms`)),
      MILLISECONDS_PER_BEHAVIOUR);
  });
  return Promise.race([promise, late]).finally(() => clearTimeout(timer));
}

/** Runs each behaviour with what `setUp` resolves to, which `tearDown` gets afterwards. */
async function run(setUp, tearDown) {
  let failures = 0;
  for (const { sentence, test } of behaviours) {
    try {
      await withinTime((async () => {
        const client = await setUp();
        try {
          await test(client);
        } finally {
          await tearDown(client);
        }
      })());
      console.log(`ok\t${sentence}`);
    } catch (error) {
      failures += 1;
      console.error(error);
      console.log(`FAILED\t${sentence}\t${String(error).replace(/\s+/g, ' ')}`);
    }
  }
  console.log('end');
  process.exit(failures ? 1 : 0);
}

module.exports = { behaviour, cutConnections, run, unique };
