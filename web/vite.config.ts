import { readFileSync } from "node:fs";
import { defineConfig, type Plugin } from "vite";

// The licences of what is part of the bundle ask to be passed on with it.
function licences(packages: string[]): Plugin {
  return {
    name: "licences",
    generateBundle() {
      const texts = packages.map((p) => `${p}\n\n${readFileSync(`node_modules/${p}/LICENSE`, "utf8").trim()}\n`);
      this.emitFile({ type: "asset", fileName: "licences.txt", source: texts.join("\n----\n\n") });
    },
  };
}

// The server sends `script-src 'self'`: nothing may be inlined. Names below assets/ hold a hash of the content, because
// the server lets browsers keep them for ever.
export default defineConfig({
  plugins: [licences(["preact", "uplot"])],
  esbuild: { jsx: "automatic", jsxImportSource: "preact" },
  build: {
    outDir: "dist",
    emptyOutDir: true,
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    target: "es2022",
    reportCompressedSize: false,
    // One file: every page is part of the first load, so that a page opens without the network.
    rollupOptions: { output: { inlineDynamicImports: true } },
  },
  server: {
    host: "127.0.0.1",
    proxy: { "/api": process.env.NETFLOWGEN_SERVE ?? "http://127.0.0.1:8080" },
  },
});
