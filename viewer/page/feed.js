// What the page asks its own server for. The address of the page holds the token, so relative addresses do as well.

async function json(path, options) {
  const answer = await fetch(path, { credentials: "omit", ...options });
  if (!answer.ok) throw new Error((await answer.text()).slice(0, 300).trim() || `status ${answer.status}`);
  return answer.json();
}

export const info = () => json("info");

// of what one page asks, only the newest is explained
const page = Math.random().toString(36).slice(2);

export const why = (source, node, tick) => json(`why?source=${source}&tick=${tick}&node=${encodeURIComponent(node)}&page=${page}`);

export const robot = (source) => json(`robot?source=${source}`);

export async function mesh(source) {
  const answer = await fetch(`mesh?source=${source}`, { credentials: "omit" });
  return answer.ok ? answer.arrayBuffer() : new ArrayBuffer(0);
}

export const pictureUrl = (source, name) => `picture?source=${source}&name=${encodeURIComponent(name)}`;

export async function command(data) {
  const options = { method: "POST", headers: { "content-type": "application/json" }, body: JSON.stringify(data) };
  try {
    return await json("command", options);
  } catch (error) {
    return { ok: false, error: error.message };
  }
}

// Fill a run with what there is, page by page.
export async function load(run, progress) {
  let next = 0;
  for (;;) {
    const page = await json(`messages?source=${run.number}&from=${next}`);
    run.add(page.messages);
    next = page.next;
    run.stands(page);
    progress(next);
    if (!page.more) return next;
  }
}

// Listen to what comes after a position: messages, the state of the control, the end.
export function listen(run, from, heard) {
  let next = from;
  let events = null;
  const open = () => {
    events = new EventSource(`events?source=${run.number}&from=${next}`);
    events.onopen = () => heard.connected(true);
    events.onmessage = (event) => {
      const rows = JSON.parse(event.data).filter((row) => row[0] >= next);
      if (!rows.length) return;
      next = rows[rows.length - 1][0] + 1;
      run.add(rows);
      heard.news();
    };
    events.addEventListener("state", (event) => heard.state(JSON.parse(event.data)));
    events.addEventListener("standing", (event) => {
      run.stands(JSON.parse(event.data));
      heard.warn();
      heard.news();
    });
    events.addEventListener("end", (event) => {
      run.stands(JSON.parse(event.data));
      heard.news();
    });
    events.onerror = () => {
      // the browser would ask again from where it began
      events.close();
      heard.connected(false);
      if (!run.ended) setTimeout(open, 1000);
    };
  };
  open();
  return () => events.close();
}
