/** Mantine's defaults for this page; its colours and measures come from `theme.css`. */

import { createTheme, Menu, Modal, Tooltip } from "@mantine/core";

export const theme = createTheme({
  primaryColor: "indigo",
  cursorType: "pointer",
  respectReducedMotion: true,
  components: {
    // Locking the scroll writes a style element, which the page's policy forbids; the page itself does not scroll.
    Modal: Modal.extend({ defaultProps: { lockScroll: false, centered: true, transitionProps: { duration: 140 } } }),
    Menu: Menu.extend({
      // Inside the page's landmarks, beside the button that opened it.
      defaultProps: {
        transitionProps: { duration: 120 },
        position: "bottom-start",
        withinPortal: false,
        withInitialFocusPlaceholder: false,
      },
    }),
    Tooltip: Tooltip.extend({ defaultProps: { openDelay: 400, transitionProps: { duration: 120 } } }),
  },
});
