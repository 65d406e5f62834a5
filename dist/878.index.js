export const id = 878;
export const ids = [878];
export const modules = {

/***/ 3878:
/***/ ((__unused_webpack_module, __webpack_exports__, __webpack_require__) => {

/* harmony export */ __webpack_require__.d(__webpack_exports__, {
/* harmony export */   carry: () => (/* binding */ carry)
/* harmony export */ });
/* harmony import */ var _actions_cache__WEBPACK_IMPORTED_MODULE_0__ = __webpack_require__(1691);
/* harmony import */ var _errors_js__WEBPACK_IMPORTED_MODULE_1__ = __webpack_require__(3916);
/* harmony import */ var _transfer_js__WEBPACK_IMPORTED_MODULE_2__ = __webpack_require__(6423);



/**
 * The work of a carrier: one restore or save by GitHub's client, which cannot be told to stop. It is a process of its own
 * so that one that hangs can be ended with its sockets and its tar, and writes nothing afterwards.
 */
async function carry(text) {
    const transfer = JSON.parse(text);
    const result = await (transfer.what === "restore" ? restore(transfer) : save(transfer)).catch((error) => ({
        done: false,
        why: (0,_errors_js__WEBPACK_IMPORTED_MODULE_1__/* .messageOf */ .bD)(error),
    }));
    process.stdout.write(`\n${_transfer_js__WEBPACK_IMPORTED_MODULE_2__/* .RESULT */ .M}${JSON.stringify(result)}\n`);
}
/** Looks before it fetches: a server may offer any key that begins like the one asked for (v1 does so). */
async function restore({ key, folder, prefixes = [] }) {
    const there = await _actions_cache__WEBPACK_IMPORTED_MODULE_0__/* .restoreCache */ .P3([folder], key, [...prefixes], { lookupOnly: true });
    if (there === undefined)
        return { done: false, why: `no entry ${key}` };
    if (there !== key && !prefixes.some((prefix) => there.startsWith(prefix))) {
        return { done: false, why: `no entry ${key}, only ${there}` };
    }
    const found = await _actions_cache__WEBPACK_IMPORTED_MODULE_0__/* .restoreCache */ .P3([folder], there);
    return found === there ? { done: true, why: `restored ${there}` } : { done: false, why: `${there} is not usable` };
}
/** Looks before it packs: another job may have been faster, and packing takes longer than everything else. */
async function save({ key, folder }) {
    const there = await _actions_cache__WEBPACK_IMPORTED_MODULE_0__/* .restoreCache */ .P3([folder], key, [], { lookupOnly: true });
    if (there === key)
        return { done: true, why: `${key} is there already` };
    const id = await _actions_cache__WEBPACK_IMPORTED_MODULE_0__/* .saveCache */ .Io([folder], key);
    return id === -1 ? { done: false, why: `not saved as ${key}` } : { done: true, why: `saved as ${key}` };
}


/***/ })

};
