// Sends an update: client.mjs URL STYLE NAME VALUE...
const [url, style, ...args] = process.argv.slice(2);
const params = [];
for (let i = 0; i < args.length; i += 2) params.push([args[i], args[i + 1]]);

const form = new FormData();
for (const [name, value] of params) form.append(name, value);
const number = (v) => (/^[0-9]+$/.test(v) ? Number(v) : v);

const send = {
  query: () => fetch(`${url}?${new URLSearchParams(params)}`, { method: "POST" }),
  get: () => fetch(`${url}?${new URLSearchParams(params)}`),
  form: () => fetch(url, { method: "POST", body: new URLSearchParams(params) }),
  multipart: () => fetch(url, { method: "POST", body: form }),
  json: () =>
    fetch(url, {
      method: "POST",
      headers: { "Content-Type": "application/json" },
      body: JSON.stringify(Object.fromEntries(params.map(([n, v]) => [n, number(v)]))),
    }),
};
console.log(await (await send[style]()).text());
