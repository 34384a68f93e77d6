"use strict";
(() => {
  const ROW = 28;          // pixels of a row in a list; style.css says the same
  const TALLEST = 672;     // pixels of a list; style.css says the same
  const SPARE = 3;         // rows drawn above and below what is seen
  const PAPER = 640;       // pixels of a chart on paper: A4, less its margins
  const BUTTONS = 32;      // pixels that the buttons of a chart take above it
  const WIDEST = 60;       // characters of a list's column
  const root = document.documentElement;
  const find = (selector) => [...document.querySelectorAll(selector)];

  const trouble = (message) => {
    const box = document.getElementById("trouble");
    box.textContent = message;
    box.hidden = false;
  };

  // Base 85 as Python writes it, with a comma for the sign that could end a script element.
  const SIGNS = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
    + "!#$%&()*+-;,=>?@^_`{|}~";
  const decode = (text) => {
    const places = new Uint8Array(128);
    [...SIGNS].forEach((sign, place) => { places[sign.charCodeAt(0)] = place; });
    const missing = (5 - (text.length % 5)) % 5;
    const whole = text + "~".repeat(missing);
    const view = new DataView(new ArrayBuffer((whole.length / 5) * 4));
    for (let at = 0, to = 0; at < whole.length; at += 5, to += 4) {
      let value = 0;
      for (let sign = at; sign < at + 5; sign += 1) {
        value = value * 85 + places[whole.charCodeAt(sign)];
      }
      view.setUint32(to, value);
    }
    return new Uint8Array(view.buffer, 0, view.byteLength - missing);
  };

  const unpack = async (id) => {
    const bytes = decode(document.getElementById(id).textContent);
    const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("gzip"));
    return new Response(stream).text();
  };

  const element = (name, properties, ...children) => {
    const made = Object.assign(document.createElement(name), properties);
    made.append(...children);
    return made;
  };

  // ---- themes ------------------------------------------------------------------------------
  const THEMES = ["auto", "light", "dark"];
  const dark = matchMedia("(prefers-color-scheme: dark)");
  const themeChanged = [];

  const setTheme = (theme) => {
    root.dataset.theme = theme;
    const button = document.getElementById("theme");
    const said = { auto: "as the system has them, light or dark", light: "light", dark: "dark" };
    button.textContent = `Theme: ${theme[0].toUpperCase()}${theme.slice(1)}`;
    button.title = `Colours: ${said[theme]}`;
    themeChanged.forEach((redraw) => redraw());
  };

  const startThemes = () => {
    document.getElementById("theme").addEventListener("click", () => {
      setTheme(THEMES[(THEMES.indexOf(root.dataset.theme) + 1) % THEMES.length]);
    });
    dark.addEventListener("change", () => themeChanged.forEach((redraw) => redraw()));
  };

  // ---- figures -----------------------------------------------------------------------------
  const CONFIG = {
    displaylogo: false, showSendToCloud: false, responsive: true, scrollZoom: false,
    modeBarButtonsToRemove: ["select2d", "lasso2d", "autoScale2d"],
    toImageButtonOptions: { format: "png", filename: "archscope", scale: 2 },
  };

  const template = () => {
    const read = getComputedStyle(root);
    const color = (name) => read.getPropertyValue(`--${name}`).trim();
    const axis = {
      gridcolor: color("grid"), linecolor: color("line"), tickcolor: color("line"),
      zerolinecolor: color("zero"),
    };
    return { layout: {
      paper_bgcolor: "rgba(0,0,0,0)", plot_bgcolor: "rgba(0,0,0,0)",
      font: { color: color("ink"), size: 13, family: getComputedStyle(document.body).fontFamily },
      modebar: { bgcolor: "rgba(0,0,0,0)", color: color("soft"), activecolor: color("accent") },
      xaxis: axis, yaxis: axis,
    } };
  };

  // Maps of a network whose axes are alike come as one row, to be multiplied out here.
  const multiplied = (trace) => {
    const { outer, log, holes, ...rest } = trace;
    if (outer) {
      const cell = (a, b) => (a === null || b === null ? null : log ? a + b : a * b);
      rest.z = outer.map((a) => outer.map((b) => cell(a, b)));
    } else if (holes) {
      rest.z = holes.map((a) => holes.map((b) => (a && b ? null : 1)));
    }
    return rest;
  };

  // Printing cannot wait until a chart has found its new size, so on paper it is given.
  const paper = matchMedia("print");
  const narrow = matchMedia("(max-width: 600px)");
  const draw = (node, figure) => {
    const layout = structuredClone({ ...figure.layout, template: template() });
    if (paper.matches) Object.assign(layout, { width: PAPER, autosize: false });
    // A phone has no room for buttons, and what they do is done by fingers.
    else if (narrow.matches) layout.margin.t = Math.max(layout.margin.t - BUTTONS, 8);
    const config = { ...CONFIG, displayModeBar: narrow.matches ? false : "hover" };
    return Plotly.react(node, figure.data.map(multiplied), layout, config);
  };

  const pause = () => new Promise((resolve) => setTimeout(resolve));

  const startFigures = async (figures) => {
    const nodes = new Map(find("[data-figure]").map((node) => [node.dataset.figure, node]));
    const drawn = new Map();
    const show = (figure) => {
      const node = nodes.get(figure.name);
      drawn.set(node, figure);
      return draw(node, figure);
    };
    const redraw = () => drawn.forEach((figure, node) => draw(node, figure));
    themeChanged.push(redraw);
    for (const figure of figures) {
      const closed = nodes.get(figure.name).closest("details:not([open])");
      if (closed) {
        const first = () => drawn.has(nodes.get(figure.name)) || show(figure);
        closed.addEventListener("toggle", first, { once: true });
        closed.addEventListener("toggle", () => resize(closed));
        addEventListener("beforeprint", first);  // paper does not wait for the toggle
      } else {
        await show(figure);
        await pause();
      }
    }
    paper.addEventListener("change", redraw);
  };

  const resize = (within) => {
    const nodes = [...within.querySelectorAll(".js-plotly-plot")];
    nodes.filter((node) => node.checkVisibility()).forEach((node) => Plotly.Plots.resize(node));
  };

  // Paper cannot be clicked: whatever is folded is opened for it.
  const startPrinting = () => {
    let opened = [];
    addEventListener("beforeprint", () => {
      opened = find("details:not(.all):not([open])");
      opened.forEach((details) => { details.open = true; });
    });
    addEventListener("afterprint", () => opened.forEach((details) => { details.open = false; }));
  };

  const startPlotly = async () => {
    if (document.getElementById("plotly")) {
      document.head.append(element("script", { textContent: await unpack("plotly") }));
    }
    if (!window.Plotly) throw new Error("plotly could not be loaded");
  };

  // ---- lists -------------------------------------------------------------------------------
  class List {
    constructor(node, spec) {
      this.columns = spec.columns.map((column) => ({ ...column, rank: column.index }));
      this.total = spec.rows;
      this.order = [...Array(spec.rows).keys()];
      this.sorted = { column: -1, down: true };
      this.words = this.columns.filter((column) => column.words);
      this.build(node);
      this.update();
    }

    text(column, row) { return column.values[column.index ? column.index[row] : row]; }

    // The place of each row in the order of a column's values; names come without it.
    ranks(column) {
      if (!column.rank) {
        const places = [...column.values.keys()];
        places.sort((a, b) => (column.values[a] < column.values[b] ? -1 : 1));
        column.rank = [];
        places.forEach((row, place) => { column.rank[row] = place; });
      }
      return column.rank;
    }

    build(node) {
      const label = node.dataset.label;
      this.input = element("input", { type: "search", placeholder: "Filter, e.g. mlp" });
      this.input.setAttribute("aria-label", `Filter: ${label}`);
      this.input.addEventListener("input", () => this.update());
      this.status = element("span", { className: "hint" });
      this.status.setAttribute("role", "status");
      this.heads = this.columns.map((column, number) => this.head(column, number));
      this.body = element("tbody", {});
      const table = element("table", {},
        element("caption", { textContent: `${label}: all rows` }),
        element("colgroup", {}, ...this.columns.map((column) => this.column(column))),
        element("thead", {}, element("tr", {}, ...this.heads)), this.body);
      this.window = element("div", { className: "window", tabIndex: 0 }, table);
      this.window.setAttribute("role", "region");
      this.window.setAttribute("aria-label", `${label}: all rows`);
      this.window.addEventListener("scroll", () => this.paint(), { passive: true });
      this.table = table;
      node.replaceChildren(
        element("div", { className: "tools" }, this.input, this.status), this.window);
      addEventListener("resize", () => this.paint());
    }

    column(column) {
      const longest = column.values.reduce((most, text) => Math.max(most, text.length), 0);
      const made = element("col", {});
      made.style.width = `${Math.min(Math.max(longest, column.title.length + 2), WIDEST) + 3}ch`;
      return made;
    }

    side(number) {
      return number === 0 ? "first" : this.columns[number].words ? "left" : "";
    }

    head(column, number) {
      const button = element("button", { type: "button", textContent: column.title });
      button.addEventListener("click", () => this.sort(number));
      const made = element("th", { scope: "col", className: this.side(number) }, button);
      made.setAttribute("aria-sort", "none");
      return made;
    }

    // Numbers start with the largest, words from A; the third click gives back the old order.
    sort(number) {
      const column = this.columns[number];
      const first = !column.words;
      if (this.sorted.column !== number) this.sorted = { column: number, down: first };
      else if (this.sorted.down === first) this.sorted.down = !first;
      else this.sorted = { column: -1, down: true };
      this.update();
    }

    update() {
      const wanted = this.input.value.trim().toLowerCase();
      const matches = (row) =>
        this.words.some((column) => this.text(column, row).toLowerCase().includes(wanted));
      this.order = [...Array(this.total).keys()];
      if (wanted) this.order = this.order.filter(matches);
      const { column, down } = this.sorted;
      if (column >= 0) {
        const rank = this.ranks(this.columns[column]);
        this.order.sort((a, b) => (down ? rank[b] - rank[a] : rank[a] - rank[b]) || a - b);
      }
      this.heads.forEach((head, number) => {
        const how = number === column ? (down ? "descending" : "ascending") : "none";
        head.setAttribute("aria-sort", how);
        const sign = { none: "", descending: " ▼", ascending: " ▲" }[how];
        head.firstChild.textContent = this.columns[number].title + sign;
      });
      const count = (number) => number.toLocaleString("en");
      this.status.textContent = `${count(this.order.length)} of ${count(this.total)} rows`;
      this.table.setAttribute("aria-rowcount", this.order.length + 1);
      this.window.scrollTop = 0;
      this.paint();
    }

    paint() {
      const seen = Math.min(Math.ceil((this.window.clientHeight || TALLEST) / ROW), TALLEST / ROW);
      const first = Math.max(0, Math.floor(this.window.scrollTop / ROW) - SPARE);
      const last = Math.min(this.order.length, first + seen + 2 * SPARE);
      const rows = this.order.slice(first, last).map((row, place) => {
        const cells = this.columns.map((column, number) => {
          const text = this.text(column, row);
          return element("td", { className: this.side(number), textContent: text, title: text });
        });
        const made = element("tr", {}, ...cells);
        made.setAttribute("aria-rowindex", first + place + 2);
        return made;
      });
      this.body.replaceChildren(
        this.spacer(first), ...rows, this.spacer(this.order.length - last));
    }

    spacer(rows) {
      const cell = element("td", { colSpan: this.columns.length });
      cell.style.height = `${rows * ROW}px`;
      const made = element("tr", { className: "spacer" }, cell);
      made.setAttribute("aria-hidden", "true");
      return made;
    }
  }

  const startList = (node, lists) => {
    const box = node.closest("details.all");
    const start = () => new List(node, lists[Number(node.dataset.list)]);
    if (box.open) start();
    else box.addEventListener("toggle", start, { once: true });
  };

  // ---- downloads ---------------------------------------------------------------------------
  const startDownloads = (files) => {
    find("[data-file]").forEach((button) => button.addEventListener("click", () => {
      const { name, text } = files[Number(button.dataset.file)];
      const address = URL.createObjectURL(new Blob([text], { type: "application/json" }));
      const link = element("a", { href: address, download: name });
      link.click();
      setTimeout(() => URL.revokeObjectURL(address), 10000);
    }));
  };

  const start = async () => {
    startThemes();
    startPrinting();
    if (!window.DecompressionStream) {
      trouble("This browser is too old for charts (it has no DecompressionStream); "
        + "every table and sentence is here all the same.");
      return;
    }
    const data = JSON.parse(await unpack("data"));
    startDownloads(data.files);
    find("[data-list]").forEach((node) => startList(node, data.lists));
    await pause();
    await startPlotly();
    await startFigures(data.figures);
    root.dataset.ready = "1";
  };

  start().catch((error) => {
    trouble(`Charts could not be drawn: ${error.message}. Tables and sentences are complete.`);
    throw error;
  });
})();
