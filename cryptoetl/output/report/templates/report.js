'use strict';
(() => {
  const root = document.documentElement;
  const all = (selector, from = document) => [...from.querySelectorAll(selector)];
  const one = (selector, from = document) => from.querySelector(selector);

  // --- Theme: the system's, light, dark.

  const themes = ['system', 'light', 'dark'];
  const button = one('#theme');
  button.hidden = false;
  button.addEventListener('click', () => {
    const next = themes[(themes.indexOf(one('span', button).textContent) + 1) % themes.length];
    one('span', button).textContent = next;
    root.style.colorScheme = next === 'system' ? '' : next;
    repaint();
  });

  // --- The table: sorted by a click on a heading; filtered by words and by status.

  const body = one('#rows tbody');
  const value = (row, column) => row.cells[column].dataset.v ?? row.cells[column].textContent.trim();
  all('#rows .sort').forEach((sort, column) => sort.addEventListener('click', () => {
    const heading = sort.closest('th');
    const down = heading.getAttribute('aria-sort') === 'ascending';
    all('#rows thead th').forEach(other => other.removeAttribute('aria-sort'));
    heading.setAttribute('aria-sort', down ? 'descending' : 'ascending');
    const numeric = heading.classList.contains('number');
    const compare = (a, b) => {
      if (a === '' || b === '') return (a === '') - (b === '');  // missing values stay below
      return (down ? -1 : 1) * (numeric ? a - b : a.localeCompare(b));
    };
    const keyed = [...body.rows].map(row => [value(row, column), row]);
    keyed.sort(([a], [b]) => compare(a, b));
    body.append(...keyed.map(([, row]) => row));
  }));

  const cards = new Map(all('.chart').map(card => [card.dataset.ticker, card]));
  const filter = () => {
    const words = one('#search').value.toLowerCase().split(/\s+/).filter(Boolean);
    const status = one('#status').value;
    let shown = 0;
    for (const row of body.rows) {
      const text = row.textContent.toLowerCase();
      row.hidden = !(words.every(word => text.includes(word)) && (!status || row.dataset.status === status));
      shown += !row.hidden;
      const card = cards.get(row.dataset.ticker);
      if (card) card.hidden = row.hidden;
    }
    one('#shown').textContent = `${shown.toLocaleString('en')} of ${body.rows.length.toLocaleString('en')}`;
  };
  const form = one('#filter');
  form.hidden = false;
  form.addEventListener('input', filter);
  form.addEventListener('submit', event => event.preventDefault());

  // --- The charts. Each is drawn when it is seen, and removed when it is far away.

  const FEW = 12;  // so many stay drawn, and are therefore printed
  const DAY = 864e5;
  const chart = one('#chart') && JSON.parse(one('#chart').textContent);
  const states = new Map();
  const number = new Intl.NumberFormat('en', {maximumSignificantDigits: 7});
  const probe = document.body.appendChild(document.createElement('span'));
  probe.hidden = true;

  const painted = log => {
    let text = log ? chart.log : chart.linear;
    for (const [name, stand] of Object.entries(chart.colours)) {
      probe.style.color = `var(--${name})`;
      text = text.replaceAll(stand, getComputedStyle(probe).color);
    }
    return JSON.parse(text);
  };

  const read = card => {
    const bytes = Uint8Array.from(atob(one('.curve', card).textContent), letter => letter.charCodeAt(0));
    const n = bytes.length / 16;
    const [price, mean, trend] = [1, 2, 3].map(part => new Float32Array(bytes.buffer, 4 * n * part, n));
    const x = Float64Array.from(new Int32Array(bytes.buffer, 0, n), day => day * DAY);
    return {x, price, mean, trend, n, at: n - 1, from: x[0], to: x[n - 1], log: false};
  };

  const state = card => {
    if (!states.has(card)) {
      states.set(card, read(card));
      listen(card, states.get(card));
      show(card, states.get(card));
    }
    return states.get(card);
  };

  // Values at the day that the pointer or the arrow keys have reached.
  const words = (its, at) => [new Date(its.x[at]).toISOString().slice(0, 10),
    ...['price', 'mean', 'trend'].map(name => `${name} ${Number.isNaN(its[name][at]) ? '–' : number.format(its[name][at])}`)];
  const show = (card, its) => {
    const [day, ...values] = words(its, its.at);
    const bold = document.createElement('b');
    bold.textContent = day;
    one('.readout', card).replaceChildren(bold, ` · ${values.join(' · ')}`);
    const plot = one('.plot', card);
    plot.setAttribute('aria-valuenow', its.at);
    plot.setAttribute('aria-valuetext', [day, ...values].join(', '));
    const cursor = its.model?.document?.get_model_by_name('cursor');
    if (cursor && its.touched) cursor.setv({location: its.x[its.at], visible: true});
  };

  const nearest = (its, x) => {
    let low = 0, high = its.n - 1;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (its.x[middle] < x) low = middle + 1; else high = middle;
    }
    return low > 0 && x - its.x[low - 1] < its.x[low] - x ? low - 1 : low;
  };

  // The prices' axis follows the days that are shown.
  const fit = its => {
    let low = Infinity, high = -Infinity;
    for (let at = 0; at < its.n; at++) {
      if (its.x[at] < its.from || its.x[at] > its.to) continue;
      for (const price of [its.price[at], its.mean[at]]) {
        if (Number.isNaN(price) || (its.log && price <= 0)) continue;
        low = Math.min(low, price);
        high = Math.max(high, price);
      }
    }
    if (low > high) [low, high] = [1, 2];
    if (low === high) [low, high] = its.log ? [low / 2, high * 2] : [low - Math.abs(low) / 2 - 1e-9, high + Math.abs(high) / 2 + 1e-9];
    // The trend has the lowest quarter for itself where that is possible.
    const room = its.log ? (high / low) ** .3 : (high - low) * .3;
    const range = its.log ? {start: low / room, end: high * (high / low) ** .05} : {start: low - room, end: high + (high - low) * .05};
    its.model.y_range.setv(range);
  };

  const zoom = (its, from, to) => {
    its.from = Math.max(its.x[0], from);
    its.to = Math.min(its.x[its.n - 1], to);
    if (its.from >= its.to) [its.from, its.to] = [its.x[0] - DAY, its.x[its.n - 1] + DAY];
    if (!its.model) return;
    its.model.x_range.setv({start: its.from, end: its.to});
    fit(its);
  };

  const listen = (card, its) => {
    const plot = one('.plot', card);
    const last = its.x[its.n - 1];
    all('[data-days]', card).forEach(button => button.addEventListener('click', () =>
      zoom(its, +button.dataset.days ? last - button.dataset.days * DAY : its.x[0], last)));
    plot.addEventListener('dblclick', () => zoom(its, its.x[0], last));
    one('.log', card).addEventListener('click', event => {
      its.log = !its.log;
      event.currentTarget.setAttribute('aria-pressed', its.log);
      redraw(card);
    });
    plot.addEventListener('pointermove', event => {
      if (!its.view) return;
      its.touched = true;
      its.at = nearest(its, its.view.frame.x_scale.invert(event.clientX - its.view.el.getBoundingClientRect().left));
      show(card, its);
    });
    plot.addEventListener('keydown', event => {
      const steps = {ArrowLeft: -1, ArrowDown: -1, ArrowRight: 1, ArrowUp: 1, PageDown: -30, PageUp: 30, Home: -its.n, End: its.n};
      if (!(event.key in steps)) return;
      event.preventDefault();
      its.touched = true;
      its.at = Math.min(its.n - 1, Math.max(0, its.at + steps[event.key]));
      show(card, its);
    });
  };

  const draw = async card => {
    const its = state(card);
    if (its.view || its.drawing) return;
    its.drawing = true;
    its.dark = (root.style.colorScheme || (matchMedia('(prefers-color-scheme: dark)').matches ? 'dark' : 'light')) === 'dark';
    const item = {...painted(its.log), target_id: one('.plot', card).id};
    const views = await Bokeh.embed.embed_item(item);
    its.drawing = false;
    its.views = views;
    its.view = views.roots[0];
    its.model = its.view.model;
    if (its.unwanted) { its.unwanted = false; return undraw(card); }
    if (matchMedia('(pointer: coarse)').matches) its.model.toolbar.active_drag = null;  // a finger scrolls the page
    its.model.document.get_model_by_name('rows').data = {x: its.x, price: its.price, mean: its.mean, trend: its.trend};
    zoom(its, its.from, its.to);
    its.model.x_range.change.connect(() => {
      const {start, end} = its.model.x_range;
      if (start === its.from && end === its.to) return;
      [its.from, its.to] = [start, end];
      fit(its);
    });
    show(card, its);
    card.dataset.drawn = '';
  };

  const undraw = card => {
    const its = states.get(card);
    if (!its) return;
    if (its.drawing) { its.unwanted = true; return; }
    if (!its.view) return;
    const document_ = its.model.document;
    for (const view of its.views.roots) {  // the plot's, and that of Bokeh's notifications
      its.views.delete(view);  // from Bokeh's index as well
      view.remove();
    }
    document_.clear();
    Bokeh.documents.splice(Bokeh.documents.indexOf(document_) >>> 0, 1);
    its.views = its.view = its.model = null;
    one('.plot', card).replaceChildren();
    delete card.dataset.drawn;
  };

  const redraw = card => { undraw(card); return draw(card); };
  const repaint = () => cards.forEach(card => card.dataset.drawn === '' && redraw(card));
  matchMedia('(prefers-color-scheme: dark)').addEventListener('change', repaint);

  if (chart) {
    const seen = new IntersectionObserver(entries => {
      for (const {target, isIntersecting} of entries) {
        if (isIntersecting) { if (states.get(target)) states.get(target).unwanted = false; draw(target); }
        else if (cards.size > FEW) undraw(target);
      }
    }, {rootMargin: '300px 0px'});
    cards.forEach(card => cards.size > FEW ? seen.observe(card) : draw(card));
  }

  // --- On paper: the charts that are drawn, as pictures that fit the width.

  addEventListener('beforeprint', () => {
    all('details').forEach(part => { part.dataset.open = part.open; part.open = true; });
    for (const [card, its] of states) {
      if (!its.view) continue;
      const printed = document.createElement('div');
      printed.className = its.dark ? 'printed inverted' : 'printed';
      printed.append(its.view.export('png').canvas);
      one('.plot', card).after(printed);
    }
  });
  addEventListener('afterprint', () => {
    all('.printed').forEach(part => part.remove());
    all('details').forEach(part => { part.open = part.dataset.open === 'true'; });
  });
})();
