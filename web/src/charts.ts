// Charts, in their own file, fetched when one is shown. Each has its figures in words beside it: a canvas says nothing to a
// screen reader.

import {
  BarController,
  BarElement,
  CategoryScale,
  Chart,
  Filler,
  LinearScale,
  LineController,
  LineElement,
  PointElement,
  Tooltip,
  type ChartConfiguration,
} from "chart.js";

Chart.register(BarController, BarElement, CategoryScale, Filler, LinearScale, LineController, LineElement, PointElement, Tooltip);

const LEVELS = { min: 1, max: 5 };

/** Scores over time, with the interval in which each lies. */
export function scoresOverTime(canvas: HTMLCanvasElement, signal: AbortSignal, points: { label: string; score: number | null; low: number | null; high: number | null }[]): void {
  const { ink, line, accent, soft } = colours(canvas);
  const plain = { pointRadius: 0, borderWidth: 0 };
  draw(canvas, signal, {
    type: "line",
    data: {
      labels: points.map((point) => point.label),
      datasets: [
        { data: points.map((point) => point.high), fill: "+1", backgroundColor: soft, spanGaps: true, ...plain },
        { data: points.map((point) => point.low), fill: false, spanGaps: true, ...plain },
        { data: points.map((point) => point.score), borderColor: accent, backgroundColor: accent, pointRadius: 4, spanGaps: true },
      ],
    },
    options: { scales: { x: axis(ink, line), y: { ...axis(ink, line), ...LEVELS, ticks: { color: ink, stepSize: 1 } } } },
  });
}

/** One bar for each competency: where it lies, with 90 % certainty. */
export function intervals(canvas: HTMLCanvasElement, signal: AbortSignal, rows: { label: string; score: number; low: number; high: number }[]): void {
  const { ink, line, accent, soft } = colours(canvas);
  canvas.height = 40 + rows.length * 34;
  draw(canvas, signal, {
    type: "bar",
    data: {
      labels: rows.map((row) => row.label),
      datasets: [
        { data: rows.map((row): [number, number] => [row.low, row.high]), backgroundColor: soft, borderRadius: 6, grouped: false, barPercentage: 0.6 },
        { data: rows.map((row): [number, number] => [row.score - 0.03, row.score + 0.03]), backgroundColor: accent, grouped: false, barPercentage: 0.9 },
      ],
    },
    options: { indexAxis: "y", scales: { x: { ...axis(ink, line), ...LEVELS }, y: axis(ink, line) } },
  });
}

/** Counts. */
export function bars(canvas: HTMLCanvasElement, signal: AbortSignal, labels: string[], series: number[][]): void {
  const { ink, line, accent, soft } = colours(canvas);
  draw(canvas, signal, {
    type: "bar",
    data: { labels, datasets: series.map((data, index) => ({ data, backgroundColor: index === 0 ? accent : soft })) },
    options: { scales: { x: axis(ink, line), y: { ...axis(ink, line), beginAtZero: true, ticks: { color: ink, precision: 0 } } } },
  });
}

function draw(canvas: HTMLCanvasElement, signal: AbortSignal, config: ChartConfiguration<"line"> | ChartConfiguration<"bar", (number | [number, number])[]>): void {
  const common = { animation: false as const, responsive: true, maintainAspectRatio: false };
  const chart = new Chart(canvas, { ...config, options: { ...config.options, ...common } } as ChartConfiguration);
  signal.addEventListener("abort", () => chart.destroy());
}

function axis(ink: string, line: string): { ticks: { color: string }; grid: { color: string } } {
  return { ticks: { color: ink }, grid: { color: line } };
}

function colours(canvas: HTMLCanvasElement): { ink: string; line: string; accent: string; soft: string } {
  const style = getComputedStyle(canvas);
  const value = (name: string): string => style.getPropertyValue(name).trim();
  return { ink: value("--ink-soft"), line: value("--line"), accent: value("--accent"), soft: value("--accent-soft") };
}
