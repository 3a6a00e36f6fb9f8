/** A certificate that a test makes for itself. */
import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

export interface Certificates {
  readonly folder: string;
  readonly remove: () => void;
}

/** A folder with key.pem and cert.pem, of peer.example. */
export function makeCertificates(): Certificates {
  const folder = mkdtempSync(join(tmpdir(), "tuntcp-tls-"));
  const files = ["-keyout", join(folder, "key.pem"), "-out", join(folder, "cert.pem")];
  const curve = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1"];
  const subject = ["-subj", "/CN=peer.example", "-addext", "subjectAltName=DNS:peer.example"];
  const words = ["-x509", ...curve, "-nodes", "-days", "2", ...files, ...subject];
  execFileSync("openssl", ["req", ...words], { stdio: "ignore" });
  return { folder, remove: () => rmSync(folder, { recursive: true, force: true }) };
}
