// The pages work without scripts for reading. Scripts keep them fresh, draw charts, show times in the viewer's zone, and
// send what operators decide to the HTTP API.
import { startCalls } from "./calls.js";
import { startBulk } from "./bulk.js";
import { drawCharts } from "./chart.js";
import { startCompletion } from "./complete.js";
import { startLive } from "./live.js";
import { startPalette } from "./palette.js";
import { startPreviews } from "./preview.js";
import { showTimes } from "./times.js";

function dress() {
  showTimes(document);
  drawCharts(document);
  document.dispatchEvent(new CustomEvent("page:dressed"));
}

// on a phone the sections do not all fit, and the present one may be beyond the edge
document.querySelector("nav [aria-current=page]")?.scrollIntoView({ block: "nearest", inline: "center" });

startCalls();
startBulk();
startPalette();
startCompletion();
startPreviews();
dress();
startLive(dress);
