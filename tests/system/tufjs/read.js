// SPDX-License-Identifier: Apache-2.0
// read.js REPO TARGET...: refresh from the repository in a folder, as tuf-js does it, and download targets.
// Prints one line of JSON: {"targets": {PATH: LENGTH or null}}, or {"error": NAME, "message": TEXT}.
const fs = require('fs');
const http = require('http');
const os = require('os');
const path = require('path');
const { Updater } = require('tuf-js');

const [repo, ...targets] = process.argv.slice(2);
const work = fs.mkdtempSync(path.join(os.tmpdir(), 'rota-tufjs-'));

async function read(base) {
  fs.copyFileSync(path.join(repo, 'metadata', '1.root.json'), path.join(work, 'root.json'));
  fs.mkdirSync(path.join(work, 'targets'));
  const updater = new Updater({
    metadataBaseUrl: `${base}/metadata`,
    metadataDir: work,
    targetDir: path.join(work, 'targets'),
    targetBaseUrl: `${base}/targets`,
  });
  const found = {};
  await updater.refresh();
  for (const target of targets) {
    const info = await updater.getTargetInfo(target);
    if (info) await updater.downloadTarget(info);
    found[target] = info ? info.length : null;
  }
  return { targets: found };
}

const server = http.createServer((request, response) => {
  fs.readFile(path.join(repo, decodeURIComponent(request.url)), (error, data) => {
    response.writeHead(error ? 404 : 200);
    response.end(error ? undefined : data);
  });
});

server.listen(0, '127.0.0.1', async () => {
  let result;
  try {
    result = await read(`http://127.0.0.1:${server.address().port}`);
  } catch (error) {
    result = { error: error.name, message: error.message };
  }
  console.log(JSON.stringify(result));
  server.close();
  server.closeAllConnections();
  fs.rmSync(work, { recursive: true });
});
