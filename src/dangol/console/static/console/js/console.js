// What every page can do: keys, dialogs, command box, toasts, tables, copying, relative times. Pages work without it.
import { setUpKeys } from "./keys.js";
import { setUpPalette } from "./palette.js";
import { setUpTables } from "./tables.js";
import { setUpDialogs } from "./dialogs.js";
import { setUpTimes } from "./times.js";
import { setUpToasts } from "./toasts.js";
import { setUpForms } from "./forms.js";
import { setUpCharts } from "./charts.js";
import { setUpGraph } from "./graph.js";
import { setUpFlow } from "./flow.js";
import { setUpMatches } from "./matches.js";
import { setUpLive } from "./live.js";
import { setUpChoosing } from "./choose.js";

setUpDialogs();
setUpToasts();
setUpPalette();
setUpKeys();
setUpTables();
setUpTimes();
setUpForms();
setUpCharts();
setUpGraph();
setUpFlow();
setUpMatches();
setUpLive();
setUpChoosing();
