// The chart of the overview.
import uPlot from "uplot";

const HEIGHT = 200;
const drawn = new WeakMap();

const colour = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();

/** A custom property's colour as the page shows it now, in light or dark. */
function resolved(name) {
  const probe = document.createElement("span");
  probe.style.color = colour(name);
  document.body.append(probe);
  const value = getComputedStyle(probe).color;
  probe.remove();
  return value;
}

export function drawCharts(root) {
  for (const place of root.querySelectorAll("[data-chart]")) draw(place);
}

function draw(place) {
  const { at, lines } = JSON.parse(place.dataset.chart);
  const data = [at, ...lines.map((line) => line.values)];
  const known = drawn.get(place);
  if (known) return known.setData(data);
  const axis = { stroke: resolved("--soft"), grid: { stroke: resolved("--line"), width: 1 }, ticks: { stroke: resolved("--line") } };
  const chart = new uPlot(
    {
      width: place.clientWidth,
      height: HEIGHT,
      axes: [axis, { ...axis, size: 60 }],
      scales: { y: { range: (_, low, high) => [0, Math.max(high, 1)] } },
      series: [
        {},
        ...lines.map((line) => ({ label: line.name, stroke: resolved(`--${line.tone}`), width: 2, points: { show: false } })),
      ],
    },
    data,
    place,
  );
  drawn.set(place, chart);
  new ResizeObserver(() => chart.setSize({ width: place.clientWidth, height: HEIGHT })).observe(place);
}
