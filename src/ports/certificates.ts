import tls from "node:tls";

let done = false;

/**
 * Makes this process trust the authorities of this machine (`SSL_CERT_FILE`, `SSL_CERT_DIR`, else `/etc/ssl/certs`) besides
 * Node's own and those of `NODE_EXTRA_CA_CERTS`, as apt, git and curl do: an archive or a proxy of a company has a certificate
 * of its own. To be called before the first https request, because it takes 0.1 s. A Node before 24.5 cannot do it.
 */
export function trustSystem(): void {
  if (done || tls.setDefaultCACertificates === undefined) return;
  done = true;
  tls.setDefaultCACertificates([...tls.getCACertificates("default"), ...tls.getCACertificates("system")]);
}

/** Whether an error code says that a server's certificate is not trusted, which trying again does not change. */
export function isUntrusted(code: string | undefined): boolean {
  return /^(UNABLE_TO_|CERT_|SELF_SIGNED_|DEPTH_ZERO_|ERR_TLS_CERT_|INVALID_(CA|PURPOSE)$|PATH_LENGTH_EXCEEDED$|HOSTNAME_MISMATCH$)/.test(
    code ?? "",
  );
}

/** What helps against that. */
export const UNTRUSTED_REMEDY =
  "add the authority to this machine's certificates (update-ca-certificates), or name its file with SSL_CERT_FILE";
