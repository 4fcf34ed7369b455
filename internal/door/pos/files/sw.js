// The screen opens without the network; money never comes from here.
const cache = "pos-SHELL";
const shell = ["/pos", FILES];

self.addEventListener("install", (e) => e.waitUntil((async () => {
  const c = await caches.open(cache);
  await Promise.all([...shell.slice(1).map((f) => c.add(f)), fetch("/pos").then((r) => keep(c, r))]); // the first visit is enough
  self.skipWaiting();
})()));
self.addEventListener("activate", (e) => e.waitUntil((async () => {
  for (const name of await caches.keys()) if (name.startsWith("pos-") && name !== cache) await caches.delete(name);
  await self.clients.claim();
})()));

self.addEventListener("fetch", (e) => {
  const u = new URL(e.request.url);
  if (e.request.method !== "GET" || u.origin !== location.origin) return;
  if (e.request.mode === "navigate" && u.pathname === "/pos") return e.respondWith(page(e.request));
  if (shell.includes(u.pathname)) e.respondWith(caches.match(u.pathname).then((r) => r || fetch(e.request)));
});

// Whoever is not signed in is sent elsewhere: that is no till.
const keep = async (c, r) => {
  if (r.ok && !r.redirected && r.type === "basic") await c.put("/pos", r.clone());
  return r;
};

// The page comes from the network while it answers within three seconds: it may have changed,
// and whoever is not signed in must learn it.
const page = async (request) => {
  const c = await caches.open(cache), old = await c.match("/pos");
  const fresh = fetch(request).then((r) => keep(c, r));
  if (!old) return fresh;
  const late = new Promise((done) => setTimeout(done, 3000, old));
  return Promise.race([fresh.catch(() => old), late]);
};
