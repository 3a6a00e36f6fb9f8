/** The page about the connection that asks: as text for curl, as HTML for a browser. */
import type { TcpInfo } from "../../tcp/info.ts";

type Row = readonly [name: string, value: string];

function ms(value: number): string {
  return `${value.toFixed(3)} ms`;
}

function handshake(i: TcpInfo): Row[] {
  return [
    ["state", i.state],
    ["you", `${i.remoteAddress}:${i.remotePort}, initial sequence number ${i.irs}`],
    ["this stack", `${i.localAddress}:${i.localPort}, initial sequence number ${i.iss}`],
    ["segment size", `${i.sndMss} bytes of data toward you (path MTU ${i.pmtu})`],
    ["window scale", i.sndWscale < 0 ? "not agreed" : `yours ${i.sndWscale}, ours ${i.rcvWscale}`],
    ["timestamps", i.timestamps ? "agreed" : "not agreed"],
    ["selective acknowledgment", i.sack ? "agreed" : "not agreed"],
  ];
}

function now(i: TcpInfo): Row[] {
  return [
    [
      "round trip",
      i.srtt > 0
        ? `${ms(i.srtt)}, varying by ${ms(i.rttvar)}, least ${ms(i.minRtt)}`
        : "not measured yet",
    ],
    ["retransmission timeout", ms(i.rto)],
    ["your window", `${i.sndWnd} bytes`],
    ["our window", `${i.rcvWnd} bytes`],
    ["congestion window", `${i.cwnd} bytes (${i.congestionControl})`],
    ["segments", `${i.segsIn} from you, ${i.segsOut} from us, ${i.retransmits} of them again`],
    ["bytes", `${i.bytesReceived} from you, ${i.bytesAcked} acknowledged by you`],
  ];
}

export function connectionText(info: TcpInfo | null): string {
  if (info === null) return "This connection is not one of tuntcp's.\n";
  const rows = (list: readonly Row[]): string =>
    list.map(([name, value]) => `  ${name.padEnd(25)} ${value}\n`).join("");
  return `tuntcp: the connection that carries this page\n\nagreed in the handshake\n${rows(handshake(info))}\nat this moment\n${rows(now(info))}`;
}

export function connectionHtml(info: TcpInfo | null): string {
  const rows = (list: readonly Row[]): string =>
    list
      .map(([name, value]) => `<tr><th scope="row">${name}</th><td>${value}</td></tr>`)
      .join("\n");
  const body =
    info === null
      ? "<p>This connection is not one of tuntcp's.</p>"
      : `<h2>Agreed in the handshake</h2>\n<table>${rows(handshake(info))}</table>\n<h2>At this moment</h2>\n<table>${rows(now(info))}</table>`;
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>tuntcp: this connection</title>
<link rel="icon" href="data:,">
<style>
:root { color-scheme: light dark; }
body { font: 16px/1.5 system-ui, sans-serif; max-width: 46rem; margin: 2rem auto; padding: 0 1rem; }
h1 { font-size: 1.4rem; } h2 { font-size: 1.1rem; margin-top: 2rem; }
table { border-collapse: collapse; width: 100%; }
th, td { text-align: left; vertical-align: top; padding: .35rem .75rem .35rem 0; border-top: 1px solid #8884; }
th { font-weight: 500; width: 13rem; } td { font-variant-numeric: tabular-nums; }
</style>
</head>
<body>
<h1>The connection that carries this page</h1>
<p>No kernel is at this end: the segments were made and read by tuntcp. <a href="/connection.json">As JSON</a>.</p>
${body}
</body>
</html>
`;
}
