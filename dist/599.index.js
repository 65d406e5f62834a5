export const id = 599;
export const ids = [599];
export const modules = {

/***/ 4980:
/***/ ((__unused_webpack_module, __webpack_exports__, __webpack_require__) => {

/* harmony export */ __webpack_require__.d(__webpack_exports__, {
/* harmony export */   checkAttestation: () => (/* binding */ checkAttestation)
/* harmony export */ });
/* harmony import */ var _sigstore_bundle__WEBPACK_IMPORTED_MODULE_0__ = __webpack_require__(1040);
/* harmony import */ var _sigstore_verify__WEBPACK_IMPORTED_MODULE_1__ = __webpack_require__(4187);
/* harmony import */ var _errors_js__WEBPACK_IMPORTED_MODULE_2__ = __webpack_require__(3916);
/* harmony import */ var _identity_js__WEBPACK_IMPORTED_MODULE_3__ = __webpack_require__(2219);




/** Provenance as GitHub's `actions/attest` makes it. */
const PROVENANCE = "https://slsa.dev/provenance/v1";
const IN_TOTO = "application/vnd.in-toto+json";
/** Certificate extensions of Fulcio: source repository, and its commit [sigstore/fulcio, docs/oid-info.md]. */
const REPOSITORY = "1.3.6.1.4.1.57264.1.12";
const COMMIT = "1.3.6.1.4.1.57264.1.13";
/**
 * Checks one Sigstore bundle for the digest of a file: signature, certificate chain, transparency log, time stamps, the
 * statement's subject and kind, and who signed. Returns what it proves, or in words why it proves nothing.
 *
 * A root without transparency logs (GitHub's own, for private repositories) vouches by time stamps alone, as in `gh`.
 */
function checkAttestation(bundle, sha256, wanted, roots) {
    let why = "no trusted root is known";
    for (const root of roots) {
        const result = checkWith(bundle, sha256, wanted, root);
        if (typeof result !== "string")
            return result;
        why = result;
    }
    return why;
}
function checkWith(json, sha256, wanted, root) {
    try {
        const bundle = (0,_sigstore_bundle__WEBPACK_IMPORTED_MODULE_0__/* .bundleFromJSON */ .vw)(json);
        if (bundle.content.$case !== "dsseEnvelope")
            return "it is a plain signature, not a statement of provenance";
        const verifier = new _sigstore_verify__WEBPACK_IMPORTED_MODULE_1__/* .Verifier */ .BL((0,_sigstore_verify__WEBPACK_IMPORTED_MODULE_1__/* .toTrustMaterial */ .jO)(root), {
            tlogThreshold: root.tlogs.length > 0 ? 1 : 0,
            ctlogThreshold: root.ctlogs.length > 0 ? 1 : 0,
            timestampThreshold: 1,
        });
        const { identity } = verifier.verify((0,_sigstore_verify__WEBPACK_IMPORTED_MODULE_1__/* .toSignedEntity */ .DC)(bundle));
        const extension = (id) => derText(identity?.oids?.find(({ oid }) => oid?.id.join(".") === id)?.value);
        const by = {
            workflow: identity?.subjectAlternativeName ?? "",
            issuer: identity?.extensions?.issuer ?? "",
            repository: extension(REPOSITORY),
        };
        const { payload, payloadType } = bundle.content.dsseEnvelope;
        const unfit = whyNotStatement(payloadType, payload.toString("utf8"), sha256) ?? (0,_identity_js__WEBPACK_IMPORTED_MODULE_3__/* .whyNotSigner */ .O)(by, wanted);
        return unfit ?? { ...by, commit: extension(COMMIT) || null };
    }
    catch (error) {
        return (0,_errors_js__WEBPACK_IMPORTED_MODULE_2__/* .messageOf */ .bD)(error);
    }
}
/** Why a statement says nothing about the file; null when it does. */
function whyNotStatement(payloadType, payload, sha256) {
    if (payloadType !== IN_TOTO)
        return `its payload is '${payloadType}', not an in-toto statement`;
    const { predicateType, subject } = JSON.parse(payload);
    if (predicateType !== PROVENANCE)
        return `it states '${String(predicateType)}', not where the file comes from`;
    if (Array.isArray(subject) && subject.some(({ digest }) => digest?.sha256 === sha256))
        return null;
    return "it is about other files";
}
/** The text of a DER UTF8String; empty for anything else. */
function derText(value) {
    if (value?.[0] !== 0x0c)
        return "";
    const first = value[1] ?? 0;
    // Above 127 the byte tells how many bytes hold the length
    return value.subarray(first < 0x80 ? 2 : 2 + (first & 0x7f)).toString("utf8");
}


/***/ })

};
