// The search runs in a worker, which browsers refuse to pages that are opened as files: there a
// hidden frame does a worker's work. Without this file the site would ask the net for another.
"use strict";
if (location.protocol === "file:") {
    window.Worker = class extends EventTarget {
        constructor(url) {
            super();
            this.frame = document.createElement("iframe");
            this.frame.hidden = true;
            document.body.append(this.frame);
            const inner = this.frame.contentWindow;
            inner.document.open();
            inner.document.write("<!doctype html><title>search</title><body>");
            inner.document.close();
            inner.postMessage = data => this.answer(data);
            const load = source => new Promise((resolve, reject) => {
                const script = inner.document.createElement("script");
                Object.assign(script, {src: source, onload: resolve, onerror: reject});
                inner.document.body.append(script);
            });
            inner.importScripts = (...urls) =>
                urls.reduce((before, each) => before.then(() => load(each)), Promise.resolve());
            this.ready = load(url);
        }

        postMessage(data) {
            const message = new MessageEvent("message", {data: structuredClone(data)});
            this.ready.then(() => this.frame.contentWindow?.dispatchEvent(message));
        }

        answer(data) {
            const message = new MessageEvent("message", {data});
            this.dispatchEvent(message);
            this.onmessage?.(message);
        }

        terminate() {
            this.frame.remove();
        }
    };
}
