"use strict";
// Pictures from a camera: `take` is given each as a file.
const makeCamera = (take) => {
  const closeCamera = () => {
    $("video").srcObject?.getTracks().forEach((track) => track.stop());
    $("video").srcObject = null;
    $("taking").hidden = true;
  };
  $("camera").addEventListener("click", guarded(async () => {
    if (!navigator.mediaDevices) throw new Error("This browser gives no camera to pages that are not on https or this machine.");
    try {
      $("video").srcObject = await navigator.mediaDevices.getUserMedia({ video: true });
    } catch (error) {
      throw new Error(`The camera cannot be used: ${error.message}.`);
    }
    $("taking").hidden = false;
  }));
  $("stop").addEventListener("click", closeCamera);
  $("take").addEventListener("click", () => {
    const copy = make("canvas", { width: $("video").videoWidth, height: $("video").videoHeight });
    copy.getContext("2d").drawImage($("video"), 0, 0);
    closeCamera();
    copy.toBlob((blob) => take(new File([blob], "camera.png", { type: "image/png" })), "image/png");
  });
};
