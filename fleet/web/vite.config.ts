import { defineConfig } from "vite";

// `npm run dev` serves the page with live reload against a controller that runs on this machine.
export default defineConfig({
  base: "./",
  build: {
    outDir: "static",
    emptyOutDir: true,
    target: "es2022",
    assetsInlineLimit: 0,
    chunkSizeWarningLimit: 1400,
    reportCompressedSize: false,
    license: { fileName: "licenses.txt" },
  },
  server: { proxy: { "/api": "http://127.0.0.1:8080" } },
});
