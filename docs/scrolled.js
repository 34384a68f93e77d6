// A block of code that is wider than the page is scrolled by keys too.
"use strict";
document.addEventListener("DOMContentLoaded", () => {
    for (const code of document.querySelectorAll("pre > code"))
        if (code.scrollWidth > code.clientWidth) code.tabIndex = 0;
});
