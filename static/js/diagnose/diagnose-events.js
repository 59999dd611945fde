// Reads an event stream by hand: EventSource does not say when something came, nor with which headers.

// The data of each event, as an object, with the time at which it came (in milliseconds, as `performance.now()`).
export async function* events(response) {
  const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
  let rest = "";
  for (;;) {
    const { value, done } = await reader.read();
    if (done) return;
    const came = performance.now();
    const blocks = (rest + value).split("\n\n");
    rest = blocks.pop();
    for (const block of blocks) {
      const data = block.split("\n").filter((line) => line.startsWith("data:")).map((line) => line.slice(5));
      if (data.length) yield { ...JSON.parse(data.join("\n")), came };
    }
  }
}
