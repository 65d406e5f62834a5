export const id = 655;
export const ids = [655];
export const modules = {

/***/ 2655:
/***/ ((__unused_webpack_module, __webpack_exports__, __webpack_require__) => {

/* harmony export */ __webpack_require__.d(__webpack_exports__, {
/* harmony export */   trustedRoots: () => (/* binding */ trustedRoots)
/* harmony export */ });
/* harmony import */ var node_fs_promises__WEBPACK_IMPORTED_MODULE_0__ = __webpack_require__(1455);
/* harmony import */ var node_fs_promises__WEBPACK_IMPORTED_MODULE_0___default = /*#__PURE__*/__webpack_require__.n(node_fs_promises__WEBPACK_IMPORTED_MODULE_0__);
/* harmony import */ var node_path__WEBPACK_IMPORTED_MODULE_1__ = __webpack_require__(6760);
/* harmony import */ var node_path__WEBPACK_IMPORTED_MODULE_1___default = /*#__PURE__*/__webpack_require__.n(node_path__WEBPACK_IMPORTED_MODULE_1__);
/* harmony import */ var _sigstore_protobuf_specs__WEBPACK_IMPORTED_MODULE_2__ = __webpack_require__(9654);
/* harmony import */ var _sigstore_protobuf_specs__WEBPACK_IMPORTED_MODULE_2___default = /*#__PURE__*/__webpack_require__.n(_sigstore_protobuf_specs__WEBPACK_IMPORTED_MODULE_2__);
/* harmony import */ var _sigstore_tuf__WEBPACK_IMPORTED_MODULE_3__ = __webpack_require__(4423);
/* harmony import */ var _sigstore_tuf_seeds_json__WEBPACK_IMPORTED_MODULE_4__ = __webpack_require__(8032);
/* harmony import */ var _errors_js__WEBPACK_IMPORTED_MODULE_5__ = __webpack_require__(3916);
/* harmony import */ var _bundles_js__WEBPACK_IMPORTED_MODULE_6__ = __webpack_require__(4968);







/**
 * The roots that attestations are checked against: the user's file, else those of Sigstore's public good instance, which
 * signs for public repositories. These come with the program and are brought up to date by TUF, whose own signatures
 * are checked from the root that comes with the program on; without a network the newest known ones count.
 */
async function trustedRoots(options, log) {
    const { file, cache, offline } = options;
    if (file !== null) {
        const texts = await (0,_bundles_js__WEBPACK_IMPORTED_MODULE_6__/* .readJsonOrLines */ .X3)(file, "trusted-root");
        const roots = texts.map((json) => _sigstore_protobuf_specs__WEBPACK_IMPORTED_MODULE_2__.TrustedRoot.fromJSON(json));
        if (roots.some(({ certificateAuthorities }) => certificateAuthorities.length === 0)) {
            throw (0,_errors_js__WEBPACK_IMPORTED_MODULE_5__/* .userError */ .IF)(`trusted-root: ${file} has no certificate authority`, "write it with gh attestation trusted-root");
        }
        return roots;
    }
    if (!offline) {
        try {
            return [await (0,_sigstore_tuf__WEBPACK_IMPORTED_MODULE_3__.getTrustedRoot)({ cachePath: cache, timeout: 5000, retry: { retries: 1 } })];
        }
        catch (error) {
            log.warning(`Sigstore's roots could not be brought up to date (${reasonOf(error)}); the newest known ones are used`);
        }
    }
    return [await knownRoot(cache)];
}
/** What TUF has fetched last, else what comes with the program. */
async function knownRoot(cache) {
    const folder = encodeURIComponent(new URL(_sigstore_tuf__WEBPACK_IMPORTED_MODULE_3__.DEFAULT_MIRROR_URL).host);
    const target = "trusted_root.json";
    try {
        return _sigstore_protobuf_specs__WEBPACK_IMPORTED_MODULE_2__.TrustedRoot.fromJSON(JSON.parse(await (0,node_fs_promises__WEBPACK_IMPORTED_MODULE_0__.readFile)((0,node_path__WEBPACK_IMPORTED_MODULE_1__.join)(cache, folder, "targets", target), "utf8")));
    }
    catch {
        // Not there, or another process is just writing it
        const { targets } = _sigstore_tuf_seeds_json__WEBPACK_IMPORTED_MODULE_4__[_sigstore_tuf__WEBPACK_IMPORTED_MODULE_3__.DEFAULT_MIRROR_URL];
        return _sigstore_protobuf_specs__WEBPACK_IMPORTED_MODULE_2__.TrustedRoot.fromJSON(JSON.parse(Buffer.from(targets[target], "base64").toString("utf8")));
    }
}
/** The library says little, the error behind it more. */
function reasonOf(error) {
    const cause = error instanceof Error ? error.cause : undefined;
    return cause === undefined ? (0,_errors_js__WEBPACK_IMPORTED_MODULE_5__/* .messageOf */ .bD)(error) : `${(0,_errors_js__WEBPACK_IMPORTED_MODULE_5__/* .messageOf */ .bD)(error)}: ${(0,_errors_js__WEBPACK_IMPORTED_MODULE_5__/* .messageOf */ .bD)(cause)}`;
}


/***/ })

};
