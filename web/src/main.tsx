import { render } from "preact";
import "uplot/dist/uPlot.min.css";
import "./style/colours.css";
import "./style/base.css";
import "./style/bar.css";
import "./style/page.css";
import "./style/tables.css";
import "./style/charts.css";
import "./style/alerts.css";
import "./style/model.css";
import "./style/states.css";
import "./style/narrow.css";
import { App } from "./app";
import { applyTheme } from "./lib/settings";

applyTheme();
const root = document.getElementById("app")!;
root.textContent = "";
render(<App />, root);
