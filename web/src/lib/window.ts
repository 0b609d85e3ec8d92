// Whether the window is as narrow as a phone: there tables of many columns become lists.
import { Store } from "./store";

const phone = matchMedia("(max-width: 640px)");

export const narrow = new Store(phone.matches);
phone.addEventListener("change", () => narrow.set(phone.matches));
