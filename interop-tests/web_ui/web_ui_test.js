// RabbitMQ's own web UI, from its Debian package, in front of a running broker's HTTP API.
//
// Its pages are opened in jsdom one after the other, with all the requests and templates they have.  A page fails when
// one of its requests is not answered with 2xx, when its script throws, or when it shows the user a warning.  Nothing
// of the UI is copied: its files are read from where the package has them.

'use strict';

const fs = require('node:fs');
const http = require('node:http');
const path = require('node:path');
const { Worker, isMainThread, parentPort, workerData } = require('node:worker_threads');

const amqp = require('amqplib');
const { JSDOM, VirtualConsole } = require('jsdom');

const HTTP_PORT = Number(process.env.HTTP_PORT || 15672);
const AMQP_PORT = Number(process.env.AMQP_PORT || 5672);
const AUTHORIZATION = 'Basic ' + Buffer.from('guest:guest').toString('base64');
const SECONDS_PER_PAGE = 60;
const MILLISECONDS_OF_QUIET = 300;
const PLUGINS = '/usr/lib/rabbitmq/lib';
const NAME = 'interop.web-ui';

const CONTENT_TYPES = {
  '.html': 'text/html', '.js': 'text/javascript', '.css': 'text/css', '.png': 'image/png', '.ico': 'image/x-icon',
  '.svg': 'image/svg+xml', '.ejs': 'text/plain',
};

/** Where the package keeps the UI's files; nothing when it is not installed. */
function findPages() {
  const glob = (folder, prefix) => (fs.existsSync(folder) ? fs.readdirSync(folder) : [])
    .filter((name) => name.startsWith(prefix)).map((name) => path.join(folder, name));
  for (const server of glob(PLUGINS, 'rabbitmq_server-'))
    for (const plugin of glob(path.join(server, 'plugins'), 'rabbitmq_management-')) {
      const pages = path.join(plugin, 'priv', 'www');
      if (fs.existsSync(path.join(pages, 'index.html'))) return pages;
    }
  return undefined;
}

/** One request to the broker's HTTP API; resolves to status and body. */
function api(method, target, body) {
  return new Promise((resolve, reject) => {
    const request = http.request({
      port: HTTP_PORT, method, path: '/api' + target,
      headers: { authorization: AUTHORIZATION, 'content-type': 'application/json' },
    }, (response) => {
      const chunks = [];
      response.on('data', (chunk) => chunks.push(chunk));
      response.on('end', () => resolve({ status: response.statusCode, body: Buffer.concat(chunks).toString() }));
    });
    request.on('error', reject);
    request.end(body && JSON.stringify(body));
  });
}

/** Serves the UI's files, and the broker's API below /api; resolves to its port. */
function serve(pages) {
  const server = http.createServer((request, response) => {
    const { pathname } = new URL(request.url, 'http://localhost');
    if (pathname.startsWith('/api/')) {
      const forwarded = http.request(
        { port: HTTP_PORT, method: request.method, path: request.url, headers: request.headers }, (answer) => {
          response.writeHead(answer.statusCode, answer.headers);
          answer.pipe(response);
        });
      forwarded.on('error', () => response.destroy());
      request.pipe(forwarded);
      return;
    }
    const file = path.join(pages, path.normalize(pathname === '/' ? '/index.html' : pathname));
    if (!file.startsWith(pages) || !fs.existsSync(file)) {
      response.writeHead(404).end();
      return;
    }
    response.writeHead(200, { 'content-type': CONTENT_TYPES[path.extname(file)] || 'application/octet-stream' });
    fs.createReadStream(file).pipe(response);
  });
  return new Promise((resolve) => server.listen(0, '127.0.0.1', () => resolve(server.address().port)));
}

/** `serve` on a thread of its own: the UI waits for some answers without letting this one go on. */
function startServer(pages) {
  return new Promise((resolve, reject) => {
    const worker = new Worker(__filename, { workerData: pages });
    worker.on('message', (port) => resolve({ worker, port })).on('error', reject);
  });
}

/** What the charts draw on; jsdom has no such thing of its own. */
function fakeCanvas() {
  const anything = new Proxy(function nothing() {}, {
    get: (_, name) => (name === 'measureText' ? () => ({ width: 1 }) : name === Symbol.toPrimitive ? () => 0 : anything),
    set: () => true,
    apply: () => anything,
  });
  return anything;
}

class Browser {
  constructor() {
    this.failures = [];
    this.pending = 0;
    this.quietSince = Date.now();
  }

  async open(pages) {
    this.server = await startServer(pages);
    const origin = `http://127.0.0.1:${this.server.port}`;
    const console = new VirtualConsole();
    console.on('jsdomError', (error) => {
      if (!/not implemented/i.test(error.message)) this.failures.push(error.detail ? String(error.detail) : error.message);
    });
    console.on('error', (...words) => this.failures.push(words.join(' ')));
    this.dom = await JSDOM.fromURL(origin + '/#/', {
      runScripts: 'dangerously', resources: 'usable', pretendToBeVisual: true,
      virtualConsole: console, beforeParse: (window) => this.prepare(window),
    });
    this.window = this.dom.window;
    await this.logIn();
  }

  /** As a user does, with the form. */
  async logIn() {
    const { document } = this.window;
    await this.until(() => document.querySelector('#login form'), 'the login form is shown');
    await this.settle();
    document.querySelector('[name=username]').value = 'guest';
    document.querySelector('[name=password]').value = 'guest';
    const submit = new this.window.Event('submit', { bubbles: true, cancelable: true });
    document.querySelector('#login form').dispatchEvent(submit);
    await this.until(() => document.querySelector('#main h1'), 'the first page is shown');
    await this.settle();
  }

  async until(holds, what) {
    const deadline = Date.now() + SECONDS_PER_PAGE * 1000;
    while (!holds()) {
      if (Date.now() > deadline) throw new Error(`waited ${SECONDS_PER_PAGE} s in vain until ${what}: ${this.failures}`);
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  }

  prepare(window) {
    window.HTMLCanvasElement.prototype.getContext = fakeCanvas;
    window.alert = (text) => this.failures.push('alert: ' + text);
    const browser = this;
    const { open, send } = window.XMLHttpRequest.prototype;
    window.XMLHttpRequest.prototype.open = function openNoted(method, url, ...rest) {
      this.noted = `${method} ${url}`;
      return open.call(this, method, url, ...rest);
    };
    window.XMLHttpRequest.prototype.send = function sendCounted(...parameters) {
      const finish = () => {
        browser.pending -= 1;
        browser.quietSince = Date.now();
        if (this.status < 200 || this.status >= 300) browser.failures.push(`${this.noted} -> ${this.status}`);
      };
      browser.pending += 1;
      this.addEventListener('loadend', finish);
      const before = browser.pending;
      send.apply(this, parameters);
      const wasAnsweredAtOnce = this.readyState === 4 && browser.pending === before;
      if (wasAnsweredAtOnce) finish();
      if (wasAnsweredAtOnce) this.removeEventListener('loadend', finish);
    };
  }

  /** Until no request has been under way for a while. */
  async settle() {
    const deadline = Date.now() + SECONDS_PER_PAGE * 1000;
    this.quietSince = Date.now();
    while (this.pending > 0 || Date.now() - this.quietSince < MILLISECONDS_OF_QUIET) {
      if (Date.now() > deadline) throw new Error(`not finished after ${SECONDS_PER_PAGE} s`);
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  }

  /** Goes to a page; what it shows below its headline. */
  async goTo(hash) {
    this.failures.length = 0;
    this.window.location.hash = hash;
    await this.settle();
    const main = this.window.document.getElementById('main');
    if (!main || !main.querySelector('h1')) this.failures.push('there is no page');
    for (const shown of this.window.document.querySelectorAll('.form-popup-warn, .status-error, .status-timeout'))
      if (shown.textContent.trim()) this.failures.push('shown: ' + shown.textContent.trim());
    const debug = this.window.document.getElementById('debug');
    if (debug && debug.textContent.trim()) this.failures.push('shown: ' + debug.textContent.trim());
    if (this.failures.length > 0) throw new Error(this.failures.join('; '));
    return main.textContent;
  }

  close() {
    if (this.window) this.window.close();
    if (this.server) this.server.worker.terminate();
  }
}

async function prepare() {
  await api('PUT', `/queues/%2F/${NAME}`, { durable: true, arguments: { 'x-max-length': 1000 } });
  await api('PUT', `/exchanges/%2F/${NAME}`, { type: 'topic', durable: true });
  await api('POST', `/bindings/%2F/e/${NAME}/q/${NAME}`, { routing_key: 'a.#', arguments: { x: 1 } });
  await api('PUT', `/policies/%2F/${NAME}`, { pattern: `^${NAME}`, definition: { 'max-length': 500 } });
  await api('PUT', `/operator-policies/%2F/${NAME}`, { pattern: `^${NAME}`, definition: { 'max-length': 400 } });
  await api('PUT', '/vhost-limits/%2F/max-connections', { value: 10000 });
  await api('PUT', `/users/${NAME}`, { password: 'x', tags: 'management' });
  await api('PUT', `/user-limits/${NAME}/max-channels`, { value: 100 });
  await api('PUT', '/topic-permissions/%2F/guest', { exchange: 'amq.topic', write: '.*', read: '.*' });
  const connection = await amqp.connect(`amqp://guest:guest@127.0.0.1:${AMQP_PORT}/`);
  const channel = await connection.createConfirmChannel();
  await channel.prefetch(10);
  for (let i = 0; i < 5; i += 1) channel.publish(NAME, 'a.b', Buffer.from('message'));
  await channel.waitForConfirms();
  await channel.consume(NAME, () => {});
  return connection;
}

async function clean(connection) {
  await connection.close();
  for (const target of [`queues/%2F/${NAME}`, `exchanges/%2F/${NAME}`, `policies/%2F/${NAME}`, `users/${NAME}`,
    `operator-policies/%2F/${NAME}`, 'vhost-limits/%2F/max-connections', 'topic-permissions/%2F/guest'])
    await api('DELETE', '/' + target);
}

async function listed(target) {
  for (let i = 0; i < 200; i += 1) {
    const [first] = JSON.parse((await api('GET', target)).body);
    if (first) return encodeURIComponent(first.name);
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  throw new Error(`nothing in ${target}`);
}

/** Every page of the UI's dispatcher, and a word that must be on it. */
async function allPages() {
  const node = await listed('/nodes');
  const connection = await listed('/connections');
  const channel = await listed('/channels');
  return [
    ['#/', 'Overview'], ['#/cluster-name', 'Cluster name'], [`#/nodes/${node}`, 'File descriptors'],
    ['#/connections', 'AMQP 0-9-1'], [`#/connections/${connection}`, 'Client properties'],
    ['#/channels', 'Confirm'], [`#/channels/${channel}`, 'Prefetch count'],
    ['#/exchanges', NAME], [`#/exchanges/%2F/${NAME}`, 'a.#'], ['#/exchanges/%2F/amq.default', 'default'],
    ['#/queues', NAME], [`#/queues/%2F/${NAME}`, 'x-max-length'],
    ['#/users', NAME], ['#/users/guest', 'Permissions'],
    ['#/vhosts', 'guest'], ['#/vhosts/%2F', 'Permissions'],
    ['#/feature-flags', 'quorum_queue'], ['#/policies', NAME], [`#/policies/%2F/${NAME}`, 'max-length'],
    ['#/limits', 'max-connections'],
  ];
}

async function main() {
  const pages = findPages();
  if (!pages) throw new Error('RabbitMQ\'s management plugin is not installed');
  const connection = await prepare();
  const browser = new Browser();
  let failed = 0;
  try {
    await browser.open(pages);
    for (const [hash, word] of await allPages()) {
      const sentence = `the page ${hash.replace(/[0-9.]+%3A.*/, 'NAME').replace(/rabbit%40.*/, 'NODE')} shows no error`;
      try {
        const shown = await browser.goTo(hash);
        if (!shown.includes(word)) throw new Error(`${JSON.stringify(word)} is not on it`);
        console.log(`ok\t${sentence}`);
      } catch (error) {
        failed += 1;
        console.log(`FAILED\t${sentence}\t${String(error).replace(/\s+/g, ' ')}`);
      }
    }
  } finally {
    browser.close();
    await clean(connection);
  }
  console.log('end');
  process.exit(failed ? 1 : 0);
}

if (isMainThread) {
  main().catch((error) => {
    console.error(error);
    process.exit(1);
  });
} else {
  serve(workerData).then((port) => parentPort.postMessage(port));
}
